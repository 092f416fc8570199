// The engine: a token bucket in whole numbers, as pure functions of (state, now). No I/O, no clock of its own.
//
// Source: the token bucket of RFC 2697 section 3 (one rate, one burst), read lazily: instead of adding tokens on a timer, the
// refill since the last visit is added when the bucket is next looked at. It decides as GCRA does (ITU-T I.371, annex A).
// A bucket's state is `used`, the units missing from a full bucket, and `at`, the millisecond for which that is true. Counting
// what is missing makes 0 the state of a full bucket: a bucket never seen, one long idle and a dropped one are the same.

import type { Rule } from "./rule.ts";

/**
 * Units missing at `now`. Exact: a product beyond 2^53 is rounded, but only where it exceeds any `used` there can be.
 * Time that stepped back refills nothing.
 */
export function usedAt(rule: Rule, used: number, at: number, now: number): number {
  if (now <= at) return used;
  const refilled = (now - at) * rule.refillUnits;
  return refilled >= used ? 0 : used - refilled;
}

/** Whether `cost` tokens can be spent from a bucket that misses `used` units. */
export function fits(rule: Rule, used: number, cost: number): boolean {
  return used + cost * rule.tokenUnits <= rule.capacityUnits;
}

/** Whole tokens left; 0 also where the bucket has been made smaller than what is missing from it. */
export function remainingTokens(rule: Rule, used: number): number {
  return Math.max(0, floorDivide(rule.capacityUnits - used, rule.tokenUnits));
}

/** Milliseconds until `cost` tokens are there, if nobody else spends any; Infinity for more than the bucket ever holds. */
export function waitFor(rule: Rule, used: number, cost: number): number {
  if (cost > rule.burst) return Number.POSITIVE_INFINITY;
  const missing = used + cost * rule.tokenUnits - rule.capacityUnits;
  return missing <= 0 ? 0 : ceilDivide(missing, rule.refillUnits);
}

/** Milliseconds until the bucket is full again. */
export function untilFull(rule: Rule, used: number): number {
  return ceilDivide(used, rule.refillUnits);
}

/** Milliseconds until one more whole token is there than now; 0 for a full bucket. */
export function untilNextToken(rule: Rule, used: number): number {
  return used === 0 ? 0 : waitFor(rule, used, Math.min(rule.burst, remainingTokens(rule, used) + 1));
}

/** `used` after tokens were given back; never more than a full bucket. */
export function refunded(rule: Rule, used: number, cost: number): number {
  return Math.max(0, used - cost * rule.tokenUnits);
}

// A quotient of two doubles may round across a whole number; the products below are under 2^53, so they tell.
function floorDivide(a: number, b: number): number {
  const quotient = Math.floor(a / b);
  return quotient * b > a ? quotient - 1 : quotient;
}

function ceilDivide(a: number, b: number): number {
  const quotient = floorDivide(a, b);
  return quotient * b < a ? quotient + 1 : quotient;
}
