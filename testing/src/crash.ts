// Kills a child process at a named step, as a power cut would: see step.ts for the child's half.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildRun {
  /** The steps it came to, in order. */
  readonly steps: readonly string[];
  readonly stdout: string;
}

const DEADLINE_MS = 60_000;
const STEP_FD = 3;

/** Runs a TypeScript file to its end, and throws if it fails. `steps` are the places where it could have been killed. */
export async function runToEnd(file: string, options: ChildOptions = {}): Promise<ChildRun> {
  const run = await runChild(file, options, () => false);
  if (run.exitCode === 0) return run;
  throw new Error(`${file} ended with ${run.exitCode ?? run.signal}:\n${run.stderr}`);
}

/**
 * Runs a TypeScript file until it comes to a step, kills it there with SIGKILL, and resolves when it is dead. `at` is the
 * step's name (the first of that name) or its place in the order of steps, from 0. Throws if the file ends before.
 */
export async function runAndKill(
  file: string,
  { at, ...options }: ChildOptions & { readonly at: string | number },
): Promise<ChildRun> {
  const run = await runChild(file, options, (name, index) => at === name || at === index);
  if (run.killed) return run;
  const came = run.steps.length > 0 ? `it came to ${run.steps.join(", ")}` : "it came to no step";
  throw new Error(`${file} ended with ${run.exitCode ?? run.signal} before step ${at}; ${came}\n${run.stderr}`);
}

interface EndedRun extends ChildRun {
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** By us, at a step. */
  readonly killed: boolean;
}

async function runChild(
  file: string,
  { args = [], env }: ChildOptions,
  killsAt: (name: string, index: number) => boolean,
): Promise<EndedRun> {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...env, HOLDFAST_STEP_FD: String(STEP_FD) },
    timeout: DEADLINE_MS,
    killSignal: "SIGKILL",
  });
  const line = child.stdio[STEP_FD] as Duplex;
  const steps: string[] = [];
  let killed = false;
  // Breaks when the child dies; its exit tells more.
  line.on("error", () => {});
  createInterface({ input: line }).on("line", (name) => {
    killed = killsAt(name, steps.push(name) - 1);
    if (killed) child.kill("SIGKILL");
    else line.write("\n");
  });
  const [stdout, stderr, [exitCode, signal]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { steps, stdout, stderr, exitCode, signal, killed };
}
