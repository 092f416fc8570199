// The RateLimit fields of draft-ietf-httpapi-ratelimit-headers, as Structured Fields (RFC 9651), and Retry-After (RFC 9110, 10.2.3).

import type { Decision, RuleState } from "../decision.ts";
import type { RuleSet } from "../rule.ts";

// The draft still moves its names; they stand here and nowhere else.
const POLICY_FIELD = "ratelimit-policy";
const STATE_FIELD = "ratelimit";
// An Integer of a structured field has at most 15 digits (RFC 9651, 3.3.1).
const LARGEST_INTEGER = 999_999_999_999_999;

/** The constant field: each policy with its quota `q` and, where it is whole seconds, its window `w`. */
export function policyField({ rules }: RuleSet): string {
  return rules
    .map(({ name, limit, windowMs }) => {
      const window = windowMs % 1000 === 0 ? `;w=${windowMs / 1000}` : "";
      return `${quoted(name)};q=${bounded(limit)}${window}`;
    })
    .join(", ");
}

/** Field names and values for a decision. `policy` is the set's own constant field, made once. */
export function rateLimitFields(decision: Decision, policy: string): [name: string, value: string][] {
  const { rules } = decision;
  const fields: [string, string][] = [
    [POLICY_FIELD, policy],
    [STATE_FIELD, rules.map((rule) => stateItem(rule, decision)).join(", ")],
  ];
  if (!decision.allowed && decision.outcome === "refused") fields.push(["retry-after", retryAfter(decision)]);
  return fields;
}

/** Whole seconds, rounded up, at least 1. */
export function retryAfter(decision: Decision): string {
  return String(Math.max(1, seconds(decision.retryAfterMs)));
}

function stateItem(rule: RuleState, decision: Decision): string {
  const item = `${quoted(rule.name)};r=${bounded(rule.remaining)}`;
  // Retry-After should not be earlier than any `t`, so of a refusal only the rules that refused tell theirs.
  const tellsTime = rule.nextTokenMs > 0 && (decision.allowed || !rule.fits);
  return tellsTime ? `${item};t=${seconds(rule.nextTokenMs)}` : item;
}

function seconds(ms: number): number {
  return bounded(Math.ceil(ms / 1000));
}

function bounded(value: number): number {
  return Math.min(value, LARGEST_INTEGER);
}

/** A String of a structured field; names are printable ASCII, which compileRule has seen to. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
