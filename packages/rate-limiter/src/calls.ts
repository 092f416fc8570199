// What one call goes through, from its arguments to the decision. Functions of the module and not of each limiter: so the compiler
// knows what they call, however many limiters there are.

import type { Clock } from "@holdfast/core";
import { type Decision, decide, passInDryRun, promiseOf } from "./decision.ts";
import { RateLimiterError } from "./errors.ts";
import { events, type LimiterHooks, wantsDecisions } from "./events.ts";
import type { RuleInput, RuleSet } from "./rule.ts";
import type { StoreCallOptions, SyncRateLimitStore } from "./store.ts";

export type RulesInput = RuleInput | readonly RuleInput[];

export interface ConsumeOptions extends StoreCallOptions {
  /** Tokens that the call takes from each rule; a whole number >= 0. Default 1. */
  readonly cost?: number | undefined;
  /** Other rules for this call, such as those of the caller's plan. Their buckets are apart from the limiter's own. */
  readonly rules?: RulesInput | undefined;
}

export interface PeekOptions extends StoreCallOptions {
  readonly rules?: RulesInput | undefined;
}

/** What all calls of a limiter share. */
export interface CallSettings {
  readonly name: string;
  readonly own: RuleSet;
  readonly compile: (rules: RulesInput) => RuleSet;
  readonly on: LimiterHooks;
  readonly dryRun: boolean;
  readonly keysInEvents: boolean;
  readonly clock: Clock;
}

export function consumeNow(
  settings: CallSettings,
  store: SyncRateLimitStore,
  key: string,
  call: ConsumeOptions | undefined,
): Decision {
  const cost = call?.cost ?? 1;
  check(key, cost);
  const rules = rulesOf(settings, call);
  const since = start(settings);
  const decision = decide(store.consumeSync(rules, key, askedFor(rules, cost)), rules, cost);
  return since === undefined && !settings.dryRun ? decision : finish(settings, decision, key, since);
}

/** As `consumeNow`, in a promise that is made at once: it takes half the time of an async function, and nothing has to be waited for. */
export function consumeSoon(
  settings: CallSettings,
  store: SyncRateLimitStore,
  key: string,
  call: ConsumeOptions | undefined,
): Promise<Decision> {
  if (call?.signal?.aborted) return Promise.reject(call.signal.reason);
  try {
    return promiseOf(consumeNow(settings, store, key, call));
  } catch (error) {
    return Promise.reject(error);
  }
}

export function rulesOf(settings: CallSettings, call: PeekOptions | undefined): RuleSet {
  return call?.rules === undefined ? settings.own : settings.compile(call.rules);
}

/** When a call began; undefined where nobody listens. */
export function start({ on, clock }: CallSettings): number | undefined {
  return wantsDecisions(on) ? clock.monotonic() : undefined;
}

/** What a decision passes on its way out: whoever listens is told, and a dry run lets it pass. */
export function finish(settings: CallSettings, decision: Decision, key: string, since: number | undefined): Decision {
  const { name, on, dryRun, keysInEvents, clock } = settings;
  if (since !== undefined) {
    events.tell(on, "decision", () => ({
      limiter: name,
      outcome: decision.outcome,
      allowed: decision.allowed || dryRun,
      dryRun,
      cost: decision.cost,
      durationMs: clock.monotonic() - since,
      ...(keysInEvents && { key }),
    }));
  }
  return dryRun ? passInDryRun(decision) : decision;
}

/** What costs more than a bucket holds is not asked for: it takes nothing, and the figures tell how the key stands. */
export function askedFor(rules: RuleSet, cost: number): number {
  return cost > rules.smallestBurst ? 0 : cost;
}

export function check(key: string, cost: number): void {
  if (typeof key !== "string" || key === "" || !Number.isSafeInteger(cost) || cost < 0) throw invalidCall(key, cost);
}

function invalidCall(key: string, cost: number): RateLimiterError {
  if (typeof key === "string" && key !== "") {
    return new RateLimiterError("INVALID_COST", `a cost of ${cost} is not a whole number >= 0`);
  }
  const message = "the key to limit by is empty; skip the call or give it a key of its own";
  return new RateLimiterError("INVALID_KEY", message);
}
