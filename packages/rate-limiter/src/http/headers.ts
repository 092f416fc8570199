// The RateLimit fields of draft-ietf-httpapi-ratelimit-headers, as Structured Fields (RFC 9651), and Retry-After (RFC 9110, 10.2.3).

import type { Clock } from "@holdfast/core";
import { type Decision, quotaOf } from "../decision.ts";
import type { Rule, RuleSet } from "../rule.ts";
import { type OlderFields, olderFields } from "./older-fields.ts";

// The draft still moves its names; they stand here and nowhere else.
const POLICY_FIELD = "ratelimit-policy";
const STATE_FIELD = "ratelimit";
// An Integer of a structured field has at most 15 digits (RFC 9651, 3.3.1).
const LARGEST_INTEGER = 999_999_999_999_999;

/** What is the same for every decision by one rule set. */
interface Constants {
  readonly policy: string;
  /** The quoted names. */
  readonly items: readonly string[];
}

const constants = new WeakMap<RuleSet, Constants>();

function constantsOf(rules: RuleSet): Constants {
  const known = constants.get(rules);
  if (known) return known;
  const made = { policy: rules.rules.map(policyItem).join(", "), items: rules.rules.map(({ name }) => quoted(name)) };
  constants.set(rules, made);
  return made;
}

/** Field names and values for a decision. */
export function rateLimitFields(
  decision: Decision,
  style: "ietf" | OlderFields,
  clock: Clock,
): [name: string, value: string][] {
  // Where nobody counts, or there is no bucket to count in, there is no quota to tell of.
  const uncounted = decision.outcome === "crowded" || (decision.outcome === "degraded" && decision.mode !== "fallback");
  const quota = uncounted ? [] : style === "ietf" ? newestFields(decision) : olderFields(style, decision, clock);
  // No wait helps a cost above capacity, so none is promised.
  if (!decision.allowed && Number.isFinite(decision.retryAfterMs)) {
    quota.push(["retry-after", `${retryAfterSeconds(decision)}`]);
  }
  return quota;
}

function newestFields(decision: Decision): [name: string, value: string][] {
  const { policy, items } = constantsOf(decision.ruleSet);
  const [first = ""] = items;
  // Most limiters have one rule; a request that passes pays for no list then.
  const state =
    items.length === 1
      ? first + stateOf(decision, 0)
      : items.map((item, index) => item + stateOf(decision, index)).join(", ");
  return [
    [POLICY_FIELD, policy],
    [STATE_FIELD, state],
  ];
}

/** Whole seconds, rounded up, at least 1. */
export function retryAfterSeconds(decision: Decision): number {
  return Math.max(1, seconds(decision.retryAfterMs));
}

/** A policy with its quota `q` and, where it is whole seconds, its window `w`: the draft has no shorter unit. */
function policyItem({ name, limit, windowMs }: Rule): string {
  const window = windowMs % 1000 === 0 ? `;w=${windowMs / 1000}` : "";
  return `${quoted(name)};q=${bounded(limit)}${window}`;
}

/** The parameters of one policy's state. */
function stateOf(decision: Decision, index: number): string {
  if (decision.outcome === "blocked") return `;r=0;t=${seconds(decision.retryAfterMs)}`;
  const { remaining, nextTokenMs, fits } = quotaOf(decision, index);
  // Retry-After should not be earlier than any `t`, so of a refusal only the rules that refused tell theirs.
  const tellsTime = nextTokenMs > 0 && (decision.allowed || !fits);
  return tellsTime ? `;r=${bounded(remaining)};t=${seconds(nextTokenMs)}` : `;r=${bounded(remaining)}`;
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
