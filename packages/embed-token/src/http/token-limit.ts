// The endpoint's own limit, for a service that brings no limiter: so many a caller in any window, in this process.

import type { Clock } from "@holdfast/core";

/** What is used of a rate limiter; those of `@holdfast/rate-limiter` fit. */
export interface RequestLimiter {
  consume(key: string): Promise<{ readonly allowed: boolean; readonly retryAfterMs?: number | undefined }>;
}

interface LimitOptions {
  readonly limit: number;
  readonly windowMs: number;
  readonly clock: Clock;
}

/** Callers are authenticated before they are counted, so that there are no more of them than keys and administrators. */
export function createTokenLimit({ limit, windowMs, clock }: LimitOptions): RequestLimiter {
  /** By caller, when the last `limit` were let through, the oldest first. */
  const passed = new Map<string, number[]>();

  return {
    async consume(caller) {
      const now = clock.monotonic();
      const times = passed.get(caller) ?? [];
      passed.set(caller, times);
      const [oldest = Number.NEGATIVE_INFINITY] = times;
      if (times.length >= limit && oldest > now - windowMs) {
        return { allowed: false, retryAfterMs: oldest + windowMs - now };
      }
      if (times.length >= limit) times.shift();
      times.push(now);
      return { allowed: true };
    },
  };
}
