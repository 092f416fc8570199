// npx passes a signal on to the shell between it and pnpm, and the shell dies of it without a word to pnpm. So that nothing
// stays behind then, the demo looks for itself whether the npx that it came by is still there.

import { readFileSync } from "node:fs";

const LOOK_MS = 500;

/** Calls back when the npx above this process has ended. Without one, or without /proc to find it in, never. */
export function onStarterGone(callback: () => void): void {
  const starter = npxAbove(process.ppid);
  if (starter === undefined) return;
  const timer = setInterval(() => {
    if (isNpx(starter)) return;
    clearInterval(timer);
    callback();
  }, LOOK_MS);
  timer.unref();
}

function npxAbove(pid: number): number | undefined {
  // Process 1 is nobody's npx.
  for (let at = pid; at > 1; at = parentOf(at)) if (isNpx(at)) return at;
  return undefined;
}

function isNpx(pid: number): boolean {
  return /^npm exec\b/.test(proc(pid, "cmdline"));
}

function parentOf(pid: number): number {
  const [, parent] = /^PPid:\s*(\d+)$/m.exec(proc(pid, "status")) ?? [];
  return Number(parent ?? 0);
}

function proc(pid: number, file: "cmdline" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
