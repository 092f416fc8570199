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
 * - `crowded`: the store has no room for another key and was told to refuse new ones; nobody knows for how long, so
 *   `retryAfterMs` is 0
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

/** What few decisions have: a block, a failed store, a dry run. */
interface Circumstances {
  readonly blockedMs: number;
  readonly degraded?: StoreReading["degraded"];
  readonly wouldBe?: Refused["outcome"];
}

const ORDINARY: Circumstances = { blockedMs: 0 };
const NO_RULES: RuleSet = { limiter: "", rules: [], penalty: undefined, id: "", smallestBurst: 0 };

/**
 * Computes the figures when they are asked for: on the way of an allowed request, most never are. One object is all that a decision
 * by one rule leaves to the collector.
 */
class LazyDecision implements DecisionParts {
  /** A full collection that found no decision alive would throw away the class's shape, and with it all code compiled for it. */
  static readonly oneAlive: LazyDecision = new LazyDecision("allowed", true, NO_RULES, 0, [], ORDINARY);

  readonly allowed: boolean;
  readonly outcome: Decision["outcome"];
  readonly ruleSet: RuleSet;
  readonly cost: number;
  /** Units missing: a number where there is one rule. */
  readonly #used: number | readonly number[];
  readonly #circumstances: Circumstances;

  constructor(
    outcome: Decision["outcome"],
    allowed: boolean,
    ruleSet: RuleSet,
    cost: number,
    used: number | readonly number[],
    circumstances: Circumstances,
  ) {
    this.allowed = allowed;
    this.outcome = outcome;
    this.ruleSet = ruleSet;
    this.cost = cost;
    this.#used = used;
    this.#circumstances = circumstances;
  }

  get wouldBe(): Refused["outcome"] | undefined {
    return this.#circumstances.wouldBe;
  }

  get reason(): StoreFailure | undefined {
    return this.#circumstances.degraded?.reason;
  }

  get mode(): FailureMode | undefined {
    return this.#circumstances.degraded?.mode;
  }

  get remaining(): number {
    return Math.min(...this.ruleSet.rules.map((rule, index) => remainingTokens(rule, this.#usedOf(index))));
  }

  get retryAfterMs(): number {
    if (this.allowed) return 0;
    const waits = this.ruleSet.rules.map((rule, index) => waitFor(rule, this.#usedOf(index), this.cost));
    return this.outcome === "over-capacity"
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#circumstances.blockedMs, ...waits);
  }

  get rules(): readonly RuleState[] {
    return this.ruleSet.rules.map((rule, index) => {
      const used = this.#usedOf(index);
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

  promise(): Promise<Decision> {
    return Promise.resolve(seal(this));
  }

  toJSON(): object {
    const { allowed, outcome, wouldBe, reason, mode, cost, remaining, retryAfterMs, rules } = this;
    return { allowed, outcome, wouldBe, reason, mode, cost, remaining, retryAfterMs, rules };
  }

  /** The same decision, passed all the same. */
  passed(): LazyDecision {
    const circumstances = { ...this.#circumstances, wouldBe: this.outcome as Refused["outcome"] };
    return new LazyDecision("allowed", true, this.ruleSet, this.cost, this.#used, circumstances);
  }

  /** The part of a rule's state that headers tell. */
  quota(index: number): Pick<RuleState, "remaining" | "nextTokenMs" | "fits"> {
    const rule = this.ruleSet.rules[index];
    if (!rule) throw new RangeError(`there is no rule ${index}`);
    const used = this.#usedOf(index);
    return {
      remaining: remainingTokens(rule, used),
      nextTokenMs: untilNextToken(rule, used),
      fits: this.allowed || fits(rule, used, this.cost),
    };
  }

  #usedOf(index: number): number {
    return typeof this.#used === "number" ? this.#used : (this.#used[index] ?? 0);
  }
}

/** Keeps the reading's numbers, not the reading. */
export function decide(reading: StoreReading, rules: RuleSet, cost: number): Decision {
  const { outcome, used } = reading;
  if (reading.blockedMs > 0 || reading.degraded || cost > rules.smallestBurst)
    return decideSpecial(reading, rules, cost);
  const passed = outcome === "passed";
  const units = used.length === 1 ? (used[0] as number) : used.slice();
  return seal(new LazyDecision(passed ? "allowed" : outcome, passed, rules, cost, units, ORDINARY));
}

/** A block, a failed store, or a cost above capacity, which was asked for as 0 and so may have passed. */
function decideSpecial({ outcome, used, blockedMs, degraded }: StoreReading, rules: RuleSet, cost: number): Decision {
  const tooDear = cost > rules.smallestBurst;
  const name = tooDear ? "over-capacity" : outcome === "passed" ? "allowed" : outcome;
  const by = degraded?.rules ?? rules;
  const circumstances = { blockedMs, degraded };
  return seal(
    new LazyDecision(degraded ? "degraded" : name, name === "allowed", by, cost, used.slice(), circumstances),
  );
}

/** As `Promise.resolve`, without the search for a `then`: once a property has been read, the compiler knows the class, and that it has none. */
export function promiseOf(decision: Decision): Promise<Decision> {
  return (decision as unknown as LazyDecision).promise();
}

/** `decision.rules[index]`, as far as headers tell it, at a fraction of the price. */
export function quotaOf(decision: Decision, index: number): Pick<RuleState, "remaining" | "nextTokenMs" | "fits"> {
  return (decision as unknown as LazyDecision).quota(index);
}

/** What a dry run makes of a decision. */
export function passInDryRun(decision: Decision): Decision {
  return decision.allowed ? decision : seal((decision as unknown as LazyDecision).passed());
}

/** The class keeps what the union's types say of each outcome. */
function seal(decision: LazyDecision): Decision {
  return decision as unknown as Decision;
}
