// What a limiter answers: an outcome, how long to wait, and how each rule stands.

import type { RuleSet } from "./rule.ts";
import type { FailureMode, StoreFailure, StoreReading } from "./store.ts";
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
  /** In a dry run, what the outcome would have been; then nothing has been taken. */
  readonly wouldBe?: Refused["outcome"] | undefined;
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

interface DegradedParts extends DecisionParts {
  readonly outcome: "degraded";
  readonly reason: StoreFailure;
  readonly mode: FailureMode;
}

/** The store did not answer; `whenStoreFails` says who decided. `rules` are this instance's share then. */
export type Degraded = (DegradedParts & { readonly allowed: true }) | (DegradedParts & { readonly allowed: false });

export type Decision = Allowed | Refused | Degraded;

/** A decision by which the call must not go on. */
export type Refusal = Refused | (DegradedParts & { readonly allowed: false });

/** Computes the figures when they are asked for: on the way of an allowed request, most never are. */
class LazyDecision implements DecisionParts {
  readonly allowed: boolean;
  readonly outcome: Decision["outcome"];
  readonly ruleSet: RuleSet;
  readonly cost: number;
  readonly wouldBe: Refused["outcome"] | undefined;
  readonly #reading: StoreReading;

  constructor(
    outcome: Decision["outcome"],
    allowed: boolean,
    ruleSet: RuleSet,
    reading: StoreReading,
    cost: number,
    wouldBe?: Refused["outcome"],
  ) {
    this.allowed = allowed;
    this.outcome = outcome;
    this.ruleSet = ruleSet;
    this.cost = cost;
    this.wouldBe = wouldBe;
    this.#reading = reading;
  }

  get reason(): StoreFailure | undefined {
    return this.#reading.degraded?.reason;
  }

  get mode(): FailureMode | undefined {
    return this.#reading.degraded?.mode;
  }

  get remaining(): number {
    return Math.min(...this.ruleSet.rules.map((rule, index) => remainingTokens(rule, this.#used(index))));
  }

  get retryAfterMs(): number {
    if (this.allowed) return 0;
    const waits = this.ruleSet.rules.map((rule, index) => waitFor(rule, this.#used(index), this.cost));
    return this.outcome === "over-capacity" ? Number.POSITIVE_INFINITY : Math.max(this.#reading.blockedMs, ...waits);
  }

  get rules(): readonly RuleState[] {
    return this.ruleSet.rules.map((rule, index) => {
      const used = this.#used(index);
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
    const { allowed, outcome, wouldBe, reason, mode, cost, remaining, retryAfterMs, rules } = this;
    return { allowed, outcome, wouldBe, reason, mode, cost, remaining, retryAfterMs, rules };
  }

  /** The same decision, passed all the same. */
  passed(): LazyDecision {
    const wouldBe = this.outcome as Refused["outcome"];
    return new LazyDecision("allowed", true, this.ruleSet, this.#reading, this.cost, wouldBe);
  }

  /** The part of a rule's state that headers tell. */
  quota(index: number): Pick<RuleState, "remaining" | "nextTokenMs" | "fits"> {
    const rule = this.ruleSet.rules[index];
    if (!rule) throw new RangeError(`there is no rule ${index}`);
    const used = this.#used(index);
    return {
      remaining: remainingTokens(rule, used),
      nextTokenMs: untilNextToken(rule, used),
      fits: this.allowed || fits(rule, used, this.cost),
    };
  }

  #used(index: number): number {
    return this.#reading.used[index] ?? 0;
  }
}

export function decide(reading: StoreReading, rules: RuleSet, cost: number): Decision {
  const passed = reading.outcome === "passed" && cost <= rules.smallestBurst;
  const { degraded } = reading;
  if (degraded) return seal(new LazyDecision("degraded", passed, degraded.rules, reading, cost));
  return seal(new LazyDecision(passed ? "allowed" : outcomeOf(reading, rules, cost), passed, rules, reading, cost));
}

/** `decision.rules[index]`, as far as headers tell it, at a fraction of the price. */
export function quotaOf(decision: Decision, index: number): Pick<RuleState, "remaining" | "nextTokenMs" | "fits"> {
  return (decision as unknown as LazyDecision).quota(index);
}

/** What a dry run makes of a decision. */
export function passInDryRun(decision: Decision): Decision {
  return decision.allowed ? decision : seal((decision as unknown as LazyDecision).passed());
}

function outcomeOf(reading: StoreReading, rules: RuleSet, cost: number): Decision["outcome"] {
  if (reading.outcome === "passed" || cost > rules.smallestBurst) return "over-capacity";
  return reading.outcome;
}

/** The class keeps what the union's types say of each outcome. */
function seal(decision: LazyDecision): Decision {
  return decision as unknown as Decision;
}
