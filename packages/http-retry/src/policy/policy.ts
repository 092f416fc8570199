// A user's options made into what the engine works with: checked once, in milliseconds and bytes.

import { type Clock, systemClock } from "@holdfast/core";
import type { HttpHooks } from "../events.ts";
import { type Backoff, createBackoff, JITTERS } from "./backoff.ts";
import type { BreakerSettings } from "./breaker.ts";
import type { RetryBudgetOptions } from "./budget.ts";
import { bytes, duration, invalid, oneOf, whole, within } from "./checks.ts";
import type { SlotsOptions } from "./concurrency.ts";
import type {
  BreakerOptions,
  BudgetOptions,
  CallPolicyOptions,
  ConcurrencyOptions,
  HedgeOptions,
  PolicyOptions,
} from "./options.ts";

export type { PolicyOptions } from "./options.ts";

/** Of times, 0 is no limit. */
export interface Policy {
  readonly retries: number;
  readonly backoff: Backoff;
  readonly statuses: ReadonlySet<number>;
  readonly retryUnsafe: boolean;
  readonly idempotencyKey: boolean;
  readonly attemptTimeoutMs: number;
  readonly bodyGapTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly deadlineMs: number;
  readonly replayLimit: number;
  readonly budget: RetryBudgetOptions | undefined;
  readonly breaker: BreakerSettings | undefined;
  readonly concurrency: SlotsOptions | undefined;
  /** `afterMs` undefined: the 95th percentile. */
  readonly hedge: { readonly afterMs: number | undefined } | undefined;
  readonly pace: boolean;
  readonly on: HttpHooks;
  readonly clock: Clock;
  readonly random: () => number;
}

const STATUSES: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/**
 * A policy of the options, with the defaults for the others.
 * @throws HttpRetryError `INVALID_OPTION`
 */
export function compilePolicy(options: PolicyOptions = {}): Policy {
  return {
    retries: retriesOf(options.retries ?? 6),
    backoff: backoffOf(options),
    statuses: new Set((options.statuses ?? STATUSES).map((status) => whole("statuses", status, 400, 599))),
    retryUnsafe: options.retryUnsafe ?? false,
    idempotencyKey: options.idempotencyKey ?? false,
    attemptTimeoutMs: duration("attemptTimeout", options.attemptTimeout ?? 30_000),
    bodyGapTimeoutMs: duration("bodyGapTimeout", options.bodyGapTimeout ?? 30_000),
    bodyTimeoutMs: duration("bodyTimeout", options.bodyTimeout ?? 0),
    deadlineMs: duration("deadline", options.deadline ?? 300_000),
    replayLimit: bytes("replayLimit", options.replayLimit ?? 2 ** 20),
    budget: budgetOf(options.budget ?? {}),
    breaker: breakerOf(options.breaker ?? false),
    concurrency: options.concurrency && slotsOf(options.concurrency),
    hedge: hedgeOf(options.hedge ?? false),
    pace: options.pace ?? false,
    on: hooksOf(options),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** @throws HttpRetryError `INVALID_OPTION` */
export function retriesOf(retries: number): number {
  return whole("retries", retries, 0, 100);
}

/** @throws HttpRetryError `INVALID_OPTION` */
export function backoffOf(options: Pick<PolicyOptions, "baseDelay" | "factor" | "maxDelay" | "jitter">): Backoff {
  return createBackoff({
    baseMs: duration("baseDelay", options.baseDelay ?? 500),
    factor: within("factor", options.factor ?? 2, 1, 100),
    maxMs: duration("maxDelay", options.maxDelay ?? 60_000),
    jitter: oneOf("jitter", options.jitter ?? "full", JITTERS),
  });
}

function budgetOf(budget: BudgetOptions | false): RetryBudgetOptions | undefined {
  if (budget === false) return undefined;
  return {
    ratio: within("budget.ratio", budget.ratio ?? 0.2, 0, 1),
    reserve: whole("budget.reserve", budget.reserve ?? 10, 0, 1_000_000),
  };
}

function breakerOf(breaker: BreakerOptions | boolean): BreakerSettings | undefined {
  if (breaker === false) return undefined;
  const {
    failureRatio = 0.5,
    window = 30_000,
    minimum = 20,
    open = 10_000,
    probes = 3,
  } = breaker === true ? {} : breaker;
  if (failureRatio === 0) throw invalid("breaker.failureRatio", failureRatio, "give a number above 0 and up to 1");
  return {
    failureRatio: within("breaker.failureRatio", failureRatio, 0, 1),
    windowMs: duration("breaker.window", window, 100),
    minimum: whole("breaker.minimum", minimum, 1, 1_000_000),
    openMs: duration("breaker.open", open, 1),
    probes: whole("breaker.probes", probes, 1, 1000),
  };
}

function slotsOf({ limit, queue = 1000 }: ConcurrencyOptions): SlotsOptions {
  return {
    limit: whole("concurrency.limit", limit, 1, 1_000_000),
    queue: whole("concurrency.queue", queue, 0, 1_000_000),
  };
}

function hedgeOf(hedge: HedgeOptions | boolean): Policy["hedge"] {
  if (hedge === false) return undefined;
  const after = hedge === true ? undefined : hedge.after;
  return { afterMs: after === undefined ? undefined : duration("hedge.after", after) };
}

/** With `onRetry` as one more listener to retries. */
function hooksOf({ on = {}, onRetry }: PolicyOptions): HttpHooks {
  if (!onRetry) return on;
  const { retry } = on;
  if (!retry) return { ...on, retry: onRetry };
  return {
    ...on,
    retry(event) {
      onRetry(event);
      retry(event);
    },
  };
}

interface Overridden {
  readonly overrides: CallPolicyOptions;
  readonly policy: Policy;
}

// Calls that say something otherwise mostly say the same as the one before, though each time in an object of its own.
const lastOverridden = new WeakMap<Policy, Overridden>();

/**
 * The policy with what a call says otherwise; the same object where it says nothing.
 * @throws HttpRetryError `INVALID_OPTION`
 */
export function overridePolicy(policy: Policy, overrides: CallPolicyOptions): Policy {
  if (saysTheSame(overrides, NOTHING)) return policy;
  const last = lastOverridden.get(policy);
  if (last !== undefined && saysTheSame(overrides, last.overrides)) return last.policy;
  const { retries, retryUnsafe, idempotencyKey, attemptTimeout, bodyGapTimeout, bodyTimeout, deadline, hedge } =
    overrides;
  const overridden: Policy = {
    ...policy,
    ...(retries !== undefined && { retries: retriesOf(retries) }),
    ...(retryUnsafe !== undefined && { retryUnsafe }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(attemptTimeout !== undefined && { attemptTimeoutMs: duration("attemptTimeout", attemptTimeout) }),
    ...(bodyGapTimeout !== undefined && { bodyGapTimeoutMs: duration("bodyGapTimeout", bodyGapTimeout) }),
    ...(bodyTimeout !== undefined && { bodyTimeoutMs: duration("bodyTimeout", bodyTimeout) }),
    ...(deadline !== undefined && { deadlineMs: duration("deadline", deadline) }),
    ...(hedge !== undefined && { hedge: hedgeOf(hedge) }),
  };
  // A copy, since the call's object is its caller's to change, and holds headers and bodies besides.
  const copy = { retries, retryUnsafe, idempotencyKey, attemptTimeout, bodyGapTimeout, bodyTimeout, deadline, hedge };
  lastOverridden.set(policy, { overrides: copy, policy: overridden });
  return overridden;
}

const NOTHING: CallPolicyOptions = {};

function saysTheSame(one: CallPolicyOptions, other: CallPolicyOptions): boolean {
  return (
    one.retries === other.retries &&
    one.retryUnsafe === other.retryUnsafe &&
    one.idempotencyKey === other.idempotencyKey &&
    one.attemptTimeout === other.attemptTimeout &&
    one.bodyGapTimeout === other.bodyGapTimeout &&
    one.bodyTimeout === other.bodyTimeout &&
    one.deadline === other.deadline &&
    one.hedge === other.hedge
  );
}
