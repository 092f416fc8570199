// Time in a browser, whose clock may be wrong, and stands still while the machine sleeps.

import type { Clock } from "@holdfast/core";

export const browserClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Milliseconds since the call. In some browsers the monotonic clock does not count a sleep, and the wall clock may be set back: the one
 * that says more is believed. One that is set ahead only makes things happen early.
 */
export function stopwatch(clock: Clock): () => number {
  const wall = clock.now();
  const steady = clock.monotonic();
  return () => Math.max(clock.now() - wall, clock.monotonic() - steady);
}

const FIRST_MS = 1000;
const MOST_MS = 30_000;

/** How long to wait after so many failures in a row: doubling, and half of it by chance, so that not all come again at once. */
export function backoffMs(failures: number, random: () => number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.5 + random() / 2);
}
