// What a limiter answers: an outcome, how long to wait, and how each rule stands.

import type { RuleSet } from "./rule.ts";
import type { StoreReading } from "./store.ts";
import { fits, remainingTokens, untilFull, untilNextToken, waitFor } from "./token-bucket.ts";

/** How one rule stands after the call. */
export interface RuleState {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Whether this rule had the cost left. */
  readonly fits: boolean;
  /** Milliseconds until this rule would let the same cost pass; 0 when it would now, Infinity when it never will. */
  readonly waitMs: number;
  /** Milliseconds until one more whole token is there; 0 for a full bucket. */
  readonly nextTokenMs: number;
  /** Milliseconds until the bucket is full again. */
  readonly fullMs: number;
}

interface DecisionParts {
  /** The rules it was decided by, as compiled. */
  readonly ruleSet: RuleSet;
  readonly cost: number;
  /** The fewest whole tokens that any rule has left. */
  readonly remaining: number;
  /** Milliseconds until the same call could pass, the longest over all rules; 0 when it passed, Infinity when it never will. */
  readonly retryAfterMs: number;
  readonly rules: readonly RuleState[];
}

/** The call passed, and its cost has been taken from every rule. */
export interface Allowed extends DecisionParts {
  readonly allowed: true;
  readonly outcome: "allowed";
}

/**
 * Nothing was taken.
 * - `refused`: some rule has too few tokens left; try again after `retryAfterMs`
 * - `blocked`: the key is blocked, by a penalty or by hand, for `retryAfterMs`
 * - `over-capacity`: the cost is above what some bucket ever holds; no wait helps
 * - `crowded`: the store has no room for another key and was told to refuse new ones
 */
export interface Refused extends DecisionParts {
  readonly allowed: false;
  readonly outcome: "refused" | "blocked" | "over-capacity" | "crowded";
}

export type Decision = Allowed | Refused;

/** Computes the figures when they are asked for: on the way of an allowed request, most never are. */
class LazyDecision implements DecisionParts {
  readonly allowed: boolean;
  readonly outcome: Decision["outcome"];
  readonly cost: number;
  readonly ruleSet: RuleSet;
  readonly #reading: StoreReading;

  constructor(outcome: Decision["outcome"], ruleSet: RuleSet, reading: StoreReading, cost: number) {
    this.allowed = outcome === "allowed";
    this.outcome = outcome;
    this.cost = cost;
    this.ruleSet = ruleSet;
    this.#reading = reading;
  }

  get remaining(): number {
    return Math.min(...this.ruleSet.rules.map((rule, index) => remainingTokens(rule, this.#reading.used[index] ?? 0)));
  }

  get retryAfterMs(): number {
    if (this.allowed) return 0;
    if (this.outcome === "blocked") return this.#reading.blockedMs;
    return Math.max(
      ...this.ruleSet.rules.map((rule, index) => waitFor(rule, this.#reading.used[index] ?? 0, this.cost)),
    );
  }

  get rules(): readonly RuleState[] {
    return this.ruleSet.rules.map((rule, index) => {
      const used = this.#reading.used[index] ?? 0;
      return {
        name: rule.name,
        limit: rule.limit,
        windowMs: rule.windowMs,
        burst: rule.burst,
        remaining: remainingTokens(rule, used),
        fits: this.allowed || fits(rule, used, this.cost),
        waitMs: waitFor(rule, used, this.cost),
        nextTokenMs: untilNextToken(rule, used),
        fullMs: untilFull(rule, used),
      };
    });
  }

  toJSON(): object {
    const { allowed, outcome, remaining, retryAfterMs, rules } = this;
    return { allowed, outcome, remaining, retryAfterMs, rules };
  }
}

export function decide(reading: StoreReading, rules: RuleSet, cost: number, otherwise?: "over-capacity"): Decision {
  const outcome = otherwise ?? (reading.outcome === "passed" ? "allowed" : reading.outcome);
  return new LazyDecision(outcome, rules, reading, cost) as unknown as Decision;
}
