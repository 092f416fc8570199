// What a user writes ("60/minute") made into the integers that the engine counts in.

import { type Duration, type ParsedRate, parseRate } from "@holdfast/core";
import { RateLimiterError } from "./errors.ts";

/** A rate, and optionally how many tokens a bucket holds and what the policy is called in headers. */
export type RuleInput =
  | string
  | {
      /** Tokens that a window brings; a whole number >= 1. */
      readonly limit: number;
      /** How long it takes to bring them, evenly; 1 ms to 366 days. */
      readonly window: Duration;
      /** How many tokens the bucket holds: what may be spent at once after a rest. Default: `limit`. */
      readonly burst?: number | undefined;
      /** Name of the policy in `RateLimit` headers and decisions: 1 to 64 printable ASCII characters. Default: such as `60/1m`. */
      readonly name?: string | undefined;
    };

/**
 * A rule in the engine's units. A unit is so small that one token is `tokenUnits` of them and each millisecond brings back
 * `refillUnits`: both whole numbers, so that refilling needs no division and loses nothing.
 */
export interface Rule {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
  readonly tokenUnits: number;
  readonly refillUnits: number;
  readonly capacityUnits: number;
}

const LONGEST_WINDOW_MS = 366 * 86_400_000;
// Half of 2^53: a full bucket plus the dearest cost that fits it is still an exact double.
const LARGEST_CAPACITY = 2 ** 52;
/** A subject's whole state is written at once, so the number of rules has a bound. */
const MOST_RULES = 8;

/** @throws RateLimiterError `INVALID_RULE` */
export function compileRule(input: RuleInput): Rule {
  const { limit, windowMs } = parsed(input);
  const options: { readonly burst?: number | undefined; readonly name?: string | undefined } =
    typeof input === "string" ? {} : input;
  const burst = options.burst ?? limit;
  const name = options.name ?? `${limit}/${shortDuration(windowMs)}`;
  if (windowMs > LONGEST_WINDOW_MS) throw invalid(name, `a window of ${windowMs} ms is longer than 366 days`);
  if (!Number.isSafeInteger(burst) || burst < 1) throw invalid(name, `a burst of ${burst} is not a whole number >= 1`);
  if (!/^[\x20-\x7e]{1,64}$/.test(name)) {
    throw invalid(JSON.stringify(name), "a policy's name is 1 to 64 printable ASCII characters, as its header needs");
  }
  const divisor = greatestCommonDivisor(limit, windowMs);
  const tokenUnits = windowMs / divisor;
  const capacityUnits = burst * tokenUnits;
  if (capacityUnits > LARGEST_CAPACITY) {
    throw invalid(
      name,
      `a burst of ${burst} in ${windowMs} ms can't be counted exactly; use a rounder limit or a shorter window`,
    );
  }
  return { name, limit, windowMs, burst, tokenUnits, refillUnits: limit / divisor, capacityUnits };
}

/** What happens to a key that goes on after it has been refused. */
export interface PenaltyOptions {
  /** The refusal, counted within `within`, that gets the key blocked; a whole number >= 1. */
  readonly refusals: number;
  /** How long a refusal counts, as the refill of a token bucket of `refusals` tokens. */
  readonly within: Duration;
  /** How long the key is blocked: every call is refused, and nothing is counted. 1 ms to 366 days. */
  readonly block: Duration;
}

export interface Penalty {
  /** A bucket from which each refusal takes one. */
  readonly strikes: Rule;
  readonly blockMs: number;
}

/** Rules that are decided together. Compiled once; stores may keep state beside it by identity. */
export interface RuleSet {
  /** The limiter that the buckets belong to. */
  readonly limiter: string;
  readonly rules: readonly Rule[];
  readonly penalty: Penalty | undefined;
  /** Limiter and units, length-prefixed: state under one id is never read in another limiter's or another rule's units. */
  readonly id: string;
  /** The dearest cost that every bucket can ever pay. */
  readonly smallestBurst: number;
}

/** @throws RateLimiterError `INVALID_RULE`: none, more than 8, or two of one name; a penalty that can't be kept */
export function compileRules(limiter: string, inputs: readonly RuleInput[], penalty?: PenaltyOptions): RuleSet {
  if (inputs.length === 0 || inputs.length > MOST_RULES) {
    throw new RateLimiterError(
      "INVALID_RULE",
      `limiter "${limiter}" has ${inputs.length} rules; give it 1 to ${MOST_RULES}`,
    );
  }
  const rules = inputs.map(compileRule);
  const twice = rules.find((rule, index) => rules.findIndex((other) => other.name === rule.name) !== index);
  if (twice) throw invalid(twice.name, "two rules of one limiter have this name; name them apart");
  // Not the burst: a bucket keeps its state when only its size changes.
  const units = rules.map((rule) => `${rule.limit}/${rule.windowMs}`).join(",");
  return {
    limiter,
    rules,
    penalty: penalty && compilePenalty(penalty),
    id: `${limiter.length}:${limiter}:${units}`,
    smallestBurst: Math.min(...rules.map((rule) => rule.burst)),
  };
}

function compilePenalty({ refusals, within, block }: PenaltyOptions): Penalty {
  const strikes = compileRule({ limit: refusals, window: within, name: "penalty" });
  return { strikes, blockMs: blockDuration(block) };
}

/** @throws RateLimiterError `INVALID_RULE`: no duration of 1 ms to 366 days */
export function blockDuration(block: Duration): number {
  return compileRule({ limit: 1, window: block, name: "block" }).windowMs;
}

function parsed(input: RuleInput): ParsedRate {
  try {
    return parseRate(input);
  } catch (cause) {
    throw new RateLimiterError("INVALID_RULE", cause instanceof Error ? cause.message : "not a rate", { cause });
  }
}

function invalid(name: string, what: string): RateLimiterError {
  return new RateLimiterError("INVALID_RULE", `rule ${name}: ${what}`);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function shortDuration(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const;
  const fit = units.find(([, size]) => ms % size === 0);
  return fit ? `${ms / fit[1]}${fit[0]}` : `${ms}ms`;
}
