// When a server says that it may be asked again.

import { digits, type HeaderFields, largest, serverNow } from "./fields.ts";
import { parseHttpDate } from "./http-date.ts";
import { olderRateLimit, rateLimits } from "./rate-limits.ts";

export interface ServerWait {
  /** Above 0, and finite however many digits the server sent. */
  readonly delayMs: number;
  readonly from: "retry-after" | "ratelimit" | "ratelimit-reset" | "x-ratelimit-reset";
}

// 35,000 years: a wait that no limit lets pass, and with which `now` still makes a Date.
const LONGEST_MS = 2 ** 50;

/**
 * What the first of these says that a response has:
 * - `Retry-After`: seconds, or an HTTP-date (RFC 9110, 10.2.3)
 * - `RateLimit` (draft-ietf-httpapi-ratelimit-headers): the longest `t` of the quotas of which nothing is left
 * - `RateLimit-Reset`, of the draft's earlier versions, then `X-RateLimit-Reset`: seconds from now, or seconds or milliseconds since
 *   the epoch; not where the `-Remaining` beside it says that something is left
 *
 * A point in time is read by the server's clock, the response's own `Date`, and by `nowMs` where that is missing. A malformed
 * field is as good as none. Undefined also where the wait is 0 or over: backoff then, for at once would be a storm.
 */
export function serverWait(headers: HeaderFields, nowMs: number): ServerWait | undefined {
  for (const [from, read] of SOURCES) {
    const delayMs = read(headers, nowMs);
    if (delayMs !== undefined) return delayMs > 0 ? { delayMs: Math.min(delayMs, LONGEST_MS), from } : undefined;
  }
  return undefined;
}

type Read = (headers: HeaderFields, nowMs: number) => number | undefined;

const SOURCES: readonly (readonly [ServerWait["from"], Read])[] = [
  ["retry-after", retryAfter],
  ["ratelimit", usedUp],
  ["ratelimit-reset", (headers, nowMs) => olderUsedUp(headers, "ratelimit", nowMs)],
  ["x-ratelimit-reset", (headers, nowMs) => olderUsedUp(headers, "x-ratelimit", nowMs)],
];

function retryAfter(headers: HeaderFields, nowMs: number): number | undefined {
  return largest(headers, "retry-after", (text) => {
    const seconds = digits(text);
    if (seconds !== undefined) return seconds * 1000;
    const at = parseHttpDate(text, nowMs);
    return at === undefined ? undefined : at - serverNow(headers, nowMs);
  });
}

function usedUp(headers: HeaderFields): number | undefined {
  const waits = rateLimits(headers).flatMap(({ remaining, resetMs }) =>
    remaining === 0 && resetMs !== undefined ? [resetMs] : [],
  );
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

function olderUsedUp(headers: HeaderFields, prefix: "ratelimit" | "x-ratelimit", nowMs: number): number | undefined {
  const { remaining = 0, resetMs } = olderRateLimit(headers, prefix, nowMs);
  return remaining > 0 ? undefined : resetMs;
}
