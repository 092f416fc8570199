// Child processes that have loaded all they need before they are wanted: to start one takes longer than what is done to it then.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

export interface Child {
  /** What children/orders.ts has for it. */
  order(what: unknown, onLine: (line: string) => void): void;
  /** Stops it, and lets it go on after so long. */
  sleep(ms: number): Promise<void>;
  /** Resolves when it is dead. Throws if it ended by itself. */
  kill(): Promise<void>;
  /** Rejects if it ends by itself. */
  readonly failed: Promise<never>;
  /** For the log of what takes too long. */
  state(): string;
}

export interface Children {
  take(): Child;
  /** It has done all that it was told to, lives, and may be told more. */
  giveBack(child: Child): void;
  end(): Promise<void>;
}

const SPARE = 2;

/** Of one file, as many as are taken. */
export function startChildren(file: string): Children {
  const cache = mkdtempSync(join(tmpdir(), "holdfast-cache-"));
  const waiting = Array.from({ length: SPARE }, () => startChild(file, cache));
  return {
    take() {
      if (waiting.length <= SPARE) waiting.push(startChild(file, cache));
      return waiting.shift() as Child;
    },
    giveBack: (child) => void waiting.unshift(child),
    async end() {
      await Promise.all(waiting.splice(0).map((child) => child.kill()));
      rmSync(cache, { recursive: true });
    },
  };
}

/** @param cache for compiled code, which makes a start take half as long */
function startChild(file: string, cache: string): Child {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, [file], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  let hear: (line: string) => void = () => {};
  let last = { line: "nothing", at: performance.now() };
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = { line, at: performance.now() };
    hear(line);
  });
  // Breaks when the child dies; its end tells more.
  child.stdin.on("error", () => {});
  const ended = Promise.all([text(child.stderr), once(child, "close")]);
  let isKilled = false;
  const failed = ended.then(([said]) => {
    if (!isKilled) throw new Error(`${file} ended by itself, with ${child.exitCode ?? child.signalCode}: ${said}`);
    return new Promise<never>(() => {});
  });
  // Told to whoever waits for it, or kills the child.
  failed.catch(() => {});
  return {
    failed,
    order(what, onLine) {
      hear = onLine;
      child.stdin.write(`${JSON.stringify(what)}\n`);
    },
    async sleep(ms) {
      child.kill("SIGSTOP");
      await pause(ms);
      child.kill("SIGCONT");
    },
    async kill() {
      // Killed twice, it still did not end by itself.
      isKilled ||= child.exitCode === null && child.signalCode === null;
      child.kill("SIGKILL");
      await ended;
      if (!isKilled) await failed;
    },
    state() {
      const ago = Math.round(performance.now() - last.at);
      return `process ${child.pid} said ${last.line}, ${ago} ms ago; ${stateOf(child.pid)}`;
    },
  };
}

/** What tells a process that hangs from one that a busy machine does not let run. */
function stateOf(pid: number | undefined): string {
  const textOf = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");
  try {
    const state = /^State:\s*(.*)$/m.exec(textOf("status"))?.[1];
    const [ran, waited] = textOf("schedstat")
      .split(" ")
      .map((nanoseconds) => Math.round(Number(nanoseconds) / 1e6));
    return `state ${state} in ${textOf("wchan")}, ran for ${ran} ms, waited ${waited} ms for a processor`;
  } catch {
    // It is over, or this is not Linux.
    return "its state is not known";
  }
}
