// The fields of older drafts and of the time before them, for clients that read those. They have room for one rule: the one that
// is nearest to refusing.

import type { Clock } from "@holdfast/core";
import type { Decision, RuleState } from "../decision.ts";

/**
 * - `draft-7`: `RateLimit: limit=…, remaining=…, reset=…` and `RateLimit-Policy`
 * - `draft-6`: `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy`
 * - `x-ratelimit`: `X-RateLimit-Limit`, `-Remaining`, and `-Reset` as seconds since the epoch, as GitHub has it
 *
 * In the drafts `reset` is in seconds from now. It is when the bucket is full again.
 */
export type OlderFields = "draft-7" | "draft-6" | "x-ratelimit";

export function olderFields(style: OlderFields, decision: Decision, clock: Clock): [name: string, value: string][] {
  const rule = decision.rules.reduce((nearest, other) => (isNearer(other, nearest) ? other : nearest));
  const remaining = decision.outcome === "blocked" ? 0 : rule.remaining;
  const reset = Math.ceil(Math.max(rule.fullMs, decision.outcome === "blocked" ? decision.retryAfterMs : 0) / 1000);
  // draft-6 and draft-7, 2.2: the window is whole seconds.
  const policy = `${rule.limit};w=${Math.ceil(rule.windowMs / 1000)}`;
  switch (style) {
    case "draft-7":
      return [
        ["ratelimit-policy", policy],
        ["ratelimit", `limit=${rule.limit}, remaining=${remaining}, reset=${reset}`],
      ];
    case "draft-6":
      return [
        ["ratelimit-policy", policy],
        ["ratelimit-limit", `${rule.limit}`],
        ["ratelimit-remaining", `${remaining}`],
        ["ratelimit-reset", `${reset}`],
      ];
    case "x-ratelimit":
      return [
        ["x-ratelimit-limit", `${rule.limit}`],
        ["x-ratelimit-remaining", `${remaining}`],
        ["x-ratelimit-reset", `${Math.ceil(clock.now() / 1000) + reset}`],
      ];
  }
}

function isNearer(one: RuleState, other: RuleState): boolean {
  return one.waitMs === other.waitMs ? one.remaining < other.remaining : one.waitMs > other.waitMs;
}
