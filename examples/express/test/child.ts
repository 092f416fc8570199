// The service, or the demo, as a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Resolves to the first line of standard output that matches, past or to come; rejects when the process ends without one. */
  line(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading its standard output, as `head` does. */
  hangUp(): void;
  /** The process has ended. */
  readonly exited: Promise<Ending>;
  /** As `exited`, and whatever it started has ended as well, or let go of its output. */
  readonly ended: Promise<Ending>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the .env file where it starts. */
  readonly envFile?: string;
}

/** Starts `src/FILE` in an empty folder, with nothing of our environment. */
export function startFile(file: string, options: ChildOptions = {}): Child {
  return startNode([join(import.meta.dirname, "../src", file)], options);
}

export function startNode(args: readonly string[], { env = {}, envFile }: ChildOptions = {}): Child {
  const cwd = mkdtempSync(join(tmpdir(), "express-"));
  if (envFile !== undefined) writeFileSync(join(cwd, ".env"), envFile);
  // Node 22 warns on standard error that it strips types.
  const quiet = { NODE_OPTIONS: "--disable-warning=ExperimentalWarning", ...env };
  const child = spawn(process.execPath, args, { cwd, env: quiet, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    stdout.push(line);
    for (const look of waiting) look();
  });
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const exited = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  const ended = once(child, "close").then(() => exited);
  onTestFinished(async () => {
    endGroup(child.pid as number);
    // Until then it may be writing there.
    await ended;
    rmSync(cwd, { recursive: true });
  });

  return {
    pid: child.pid as number,
    stdout,
    stderr,
    kill: (signal) => void child.kill(signal),
    hangUp: () => void child.stdout.destroy(),
    exited,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = stdout.find((line) => pattern.test(line));
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
        ended.then(() => reject(new Error(`ended without ${pattern}:\n${[...stdout, ...stderr].join("\n")}`)));
      }),
  };
}

/** The process and whatever it started and left behind. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All gone, as it should be.
  }
}
