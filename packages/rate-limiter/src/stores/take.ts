// What one call takes from the buckets of a key, where they stand in the memory store's arrays.

import type { Rule } from "../rule.ts";
import { fits, usedAt } from "../token-bucket.ts";

/** Written anew by each call, so that a call leaves nothing to the collector. */
export interface Reading {
  outcome: "passed" | "refused";
  readonly used: number[];
  readonly blockedMs: 0;
}

export function makeReading(rules: number): Reading {
  return { outcome: "passed", used: new Array<number>(rules).fill(0), blockedMs: 0 };
}

/** Pass 1 looks at every bucket, pass 2 writes, and only if all of them have the cost. Tells whether they had. */
export function takeAll(
  rules: readonly Rule[],
  cost: number,
  values: Float64Array,
  offset: number,
  now: number,
  reading: Reading,
): boolean {
  const { used } = reading;
  const at = values[offset] as number;
  let passes = true;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index] as Rule;
    const units = usedAt(rule, values[offset + 1 + index] as number, at, now);
    used[index] = units;
    passes &&= fits(rule, units, cost);
  }
  reading.outcome = passes ? "passed" : "refused";
  if (!passes) return false;
  if (at < now) values[offset] = now;
  for (let index = 0; index < rules.length; index++) {
    const units = (used[index] as number) + cost * (rules[index] as Rule).tokenUnits;
    used[index] = units;
    values[offset + 1 + index] = units;
  }
  return true;
}

/** The same for the one rule that most limiters have, without loops. */
export function takeOne(
  rule: Rule,
  cost: number,
  values: Float64Array,
  offset: number,
  now: number,
  reading: Reading,
): boolean {
  const at = values[offset] as number;
  const used = usedAt(rule, values[offset + 1] as number, at, now);
  if (!fits(rule, used, cost)) {
    reading.outcome = "refused";
    reading.used[0] = used;
    return false;
  }
  const after = used + cost * rule.tokenUnits;
  if (at < now) values[offset] = now;
  values[offset + 1] = after;
  reading.outcome = "passed";
  reading.used[0] = after;
  return true;
}
