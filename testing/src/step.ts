// The child's half of crash.ts: names the places where a process may be killed.

import { readSync, writeSync } from "node:fs";

/** Set by crash.ts: the file descriptor on which the parent listens. */
const { HOLDFAST_STEP_FD } = process.env;

/**
 * A place where the process may die. Run by `runAndKill` or `runToEnd`, it stands still here, with all its threads of
 * JavaScript, until the parent has decided; run in any other way, it does nothing.
 */
export function step(name: string): void {
  if (HOLDFAST_STEP_FD === undefined) return;
  const fd = Number(HOLDFAST_STEP_FD);
  writeSync(fd, `${name}\n`);
  // Blocks. No byte means that the parent itself has died.
  if (readSync(fd, Buffer.alloc(1)) === 0) process.kill(process.pid, "SIGKILL");
}
