// How long to wait before another attempt: exponential, and spread by chance, so that clients that failed together do not
// come back together.

/**
 * With `v = min(maxMs, baseMs * factor^(retry - 1))`, a delay is evenly distributed
 * - `full`: from 0 to v
 * - `equal`: from v / 2 to v
 * - `decorrelated`: from `baseMs` to three times the delay before it, and at most `maxMs`; `factor` has no part in it
 * - `none`: it is v
 *
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), which also shows that `full` makes the least work.
 */
export type Jitter = "full" | "equal" | "decorrelated" | "none";

export const JITTERS: readonly Jitter[] = ["full", "equal", "decorrelated", "none"];

export interface BackoffOptions {
  readonly baseMs: number;
  /** At least 1. */
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: Jitter;
}

export interface Backoff {
  readonly maxDelayMs: number;
  /** Before a retry, 1 for the first; 0 to `maxDelayMs`. `previousMs` is the delay before the retry before it, 0 for none. */
  delayMs(retry: number, previousMs: number, random: () => number): number;
  /**
   * What may be added to a wait that the server asked for, so that those whom it told the same do not come at once: up to a
   * tenth of it or the base delay, whichever is longer. 0 where there is no jitter.
   */
  spreadMs(waitMs: number): number;
}

export function createBackoff(options: BackoffOptions): Backoff {
  const { baseMs, factor, maxMs, jitter } = options;
  // Of a base of 0 an infinite power is NaN, so it is bounded first: base times 2^1023 is above any maxMs that there is.
  const ceiling = (retry: number): number => Math.min(maxMs, baseMs * Math.min(factor ** (retry - 1), 2 ** 1023));
  const delays: Readonly<Record<Jitter, Backoff["delayMs"]>> = {
    full: (retry, _previousMs, random) => random() * ceiling(retry),
    equal: (retry, _previousMs, random) => (ceiling(retry) / 2) * (1 + random()),
    decorrelated(_retry, previousMs, random) {
      const least = Math.min(baseMs, maxMs);
      const most = 3 * Math.max(previousMs, baseMs);
      return Math.min(maxMs, least + random() * (most - least));
    },
    none: ceiling,
  };
  return {
    maxDelayMs: maxMs,
    delayMs: delays[jitter],
    spreadMs: (waitMs) => (jitter === "none" ? 0 : Math.max(baseMs, waitMs / 10)),
  };
}
