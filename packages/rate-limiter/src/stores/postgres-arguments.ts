// What goes into the statements and what comes out of them: rules, keys and readings as Postgres takes and gives them.

import { hash } from "node:crypto";
import type { Rule, RuleSet } from "../rule.ts";
import type { LeaseReading, StoreReading } from "../store.ts";

/** No bucket ever misses more. */
export const MOST_UNITS: number = 2 ** 52;

/** What the calls on one rule set have in common. */
export interface PreparedRules {
  readonly id: string;
  readonly rules: string;
  readonly penalty: string | null;
  /** The figures of the rule, where there is one only. */
  readonly onlyRule: readonly number[] | undefined;
}

export interface PreparedCall {
  readonly subject: string;
  readonly cost: number;
  readonly rules: PreparedRules;
}

export interface PreparedLease {
  readonly subject: string;
  /** By `leaseText`. */
  readonly request: string;
  readonly rules: PreparedRules;
}

export function prepareRules({ id, rules, penalty }: RuleSet): PreparedRules {
  const figures = rules.map(figuresOf);
  return {
    id,
    rules: arrayOf(figures.map(arrayOf)),
    penalty: penalty ? arrayOf([...figuresOf(penalty.strikes), penalty.blockMs]) : null,
    onlyRule: figures.length === 1 ? figures[0] : undefined,
  };
}

function figuresOf({ tokenUnits, refillUnits, capacityUnits }: Rule): number[] {
  return [tokenUnits, refillUnits, capacityUnits, Math.ceil(MOST_UNITS / refillUnits)];
}

function arrayOf(items: readonly (string | number)[]): string {
  return `{${items.join(",")}}`;
}

/**
 * 32 bytes for any key, as Postgres reads a bytea: no text of Postgres holds a NUL or an unpaired surrogate. The line break parts
 * the two unmistakably, for an id tells the length of the only part of it that may hold one.
 */
export function subjectOf({ id }: PreparedRules, key: string): string {
  return `\\x${hash("sha256", Buffer.from(`${id}\n${key}`, "utf16le"))}`;
}

// Numbers of eight bytes come as strings, or as whatever the user has told the client to make of them.

export interface ReadingRow {
  readonly reading: string;
}

export interface PeekRow {
  readonly used: string;
  readonly blocked_ms: unknown;
}

export interface CleanUpRow {
  readonly deleted: unknown;
  readonly seen: unknown;
  readonly last: string | null;
}

export function toReading({ reading }: ReadingRow): StoreReading {
  const [outcome, blockedMs, ...used] = reading.split(",");
  // The units missing from the bucket, by itself: one rule, and it passed.
  if (blockedMs === undefined) return { outcome: "passed", blockedMs: 0, used: [Number(outcome)] };
  return { outcome: outcome as StoreReading["outcome"], blockedMs: Number(blockedMs), used: used.map(Number) };
}

/** How many are lent, then a reading. */
export function toLeaseReading({ reading }: ReadingRow): LeaseReading {
  const [lent = ""] = reading.split(",", 1);
  return { ...toReading({ reading: reading.slice(lent.length + 1) }), lent: Number(lent) };
}
