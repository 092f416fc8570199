// Goes slower before the server has to refuse: what is left of a quota is spread over the time until there is more.

import type { HeaderFields } from "./fields.ts";
import { olderRateLimit, type RateLimit, rateLimits } from "./rate-limits.ts";

/** Times are of the wall clock, as in `X-RateLimit-Reset`. */
export interface Pace {
  /** How long the next request is to wait, 0 for not at all. It has its place then: the one after it comes later. */
  waitMs(nowMs: number): number;
  /** Learns from a response. Malformed fields say nothing. */
  note(headers: HeaderFields, nowMs: number): void;
}

// With more than this part of its quota left, a client may use it as it likes.
const LOW = 0.25;
// The fields are advice. A request that they would hold back for longer goes out, and the server's refusal has the word.
const LONGEST_WAIT_MS = 60_000;
// The names come from the server, so they have a bound.
const MOST_NAMES = 16;

export function createPace(): Pace {
  // The most that was ever left of a quota stands for its limit where the server doesn't tell that.
  const peaks = new Map<string, number>();
  let intervalMs = 0;
  let nextAt = 0;
  let resetsAt = 0;

  function limitOf({ name, limit, remaining }: RateLimit): number {
    const peak = Math.max(remaining, peaks.get(name) ?? 0);
    if (peaks.has(name) || peaks.size < MOST_NAMES) peaks.set(name, peak);
    return limit ?? peak;
  }

  return {
    waitMs(nowMs) {
      if (intervalMs === 0 || nowMs >= resetsAt) return 0;
      const at = Math.max(nowMs, nextAt);
      nextAt = at + intervalMs;
      return Math.min(at - nowMs, LONGEST_WAIT_MS);
    },
    note(headers, nowMs) {
      const limits = saidLimits(headers, nowMs);
      // What says nothing of a quota, such as an error from a proxy before it, changes nothing.
      if (limits.length === 0) return;
      let firstAt = nowMs;
      intervalMs = 0;
      resetsAt = 0;
      for (const quota of limits) {
        const { remaining, resetMs = 0 } = quota;
        const limit = limitOf(quota);
        if (remaining > LOW * limit) continue;
        // With nothing left, the whole quota comes at the reset, and whoever waited for it is spread as well.
        intervalMs = Math.max(intervalMs, resetMs / Math.max(1, remaining === 0 ? limit : remaining));
        resetsAt = Math.max(resetsAt, nowMs + resetMs);
        if (remaining === 0) firstAt = Math.max(firstAt, nowMs + resetMs);
      }
      // Bounded, lest a clock that was set back leave the next place far ahead.
      nextAt = Math.max(firstAt, Math.min(nextAt, nowMs + LONGEST_WAIT_MS));
    },
  };
}

/** The structured field's quotas; without them, those of the older fields. */
function saidLimits(headers: HeaderFields, nowMs: number): readonly RateLimit[] {
  const limits = rateLimits(headers);
  if (limits.length > 0) return limits;
  for (const prefix of ["ratelimit", "x-ratelimit"] as const) {
    const { limit, remaining, resetMs } = olderRateLimit(headers, prefix, nowMs);
    if (remaining !== undefined && resetMs !== undefined) return [{ name: prefix, limit, remaining, resetMs }];
  }
  return [];
}
