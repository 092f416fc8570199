// What the user holds: rules, a store, and the calls on a key.

import { type Clock, type Duration, systemClock } from "@holdfast/core";
import {
  askedFor,
  type CallSettings,
  type ConsumeOptions,
  check,
  consumeNow,
  consumeSoon,
  finish,
  type PeekOptions,
  type RulesInput,
  rulesOf,
  start,
} from "./calls.ts";
import { type Decision, decide } from "./decision.ts";
import { RateLimiterError } from "./errors.ts";
import { events, type LimiterHooks } from "./events.ts";
import { blockDuration, compileRules, type PenaltyOptions, type RuleInput, type RuleSet } from "./rule.ts";
import {
  askMany,
  type RateLimitStore,
  type StoreCallOptions,
  type StoreReading,
  type SyncRateLimitStore,
} from "./store.ts";
import { type StoreFailureOptions, withStoreFailure } from "./store-failure.ts";
import { memoryStore } from "./stores/memory.ts";

export interface RateLimiterOptions<Store extends RateLimitStore = RateLimitStore> {
  /** One rule or several that are decided together, all or nothing: `"60/minute"`, `["10/second", "1000/hour"]`. */
  readonly rules: RulesInput;
  /** Blocks a key that goes on after it has been refused. Default: none. */
  readonly penalty?: PenaltyOptions | undefined;
  /** Keeps this limiter's buckets apart from others' in the same store; 1 to 64 printable ASCII characters. Default `default`. */
  readonly name?: string | undefined;
  /** Default: a memory store of its own. */
  readonly store?: Store | undefined;
  /**
   * What to answer when a shared store is slow or gone: such a decision is `degraded`. `"reject"` hands the store's error to the
   * caller instead. Default: `{ mode: "fallback", deadline: "200ms", instances: 1 }`.
   */
  readonly whenStoreFails?: StoreFailureOptions | "reject" | undefined;
  /** Counts and tells, and refuses nobody: for trying out rules on real traffic. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. The same events go to
   * `node:diagnostics_channel`.
   */
  readonly on?: LimiterHooks | undefined;
  /** Whether events name the key. Default false. */
  readonly keysInEvents?: boolean | undefined;
  /** Times deadlines and events. Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface ManyCall {
  readonly key: string;
  /** Default 1. */
  readonly cost?: number | undefined;
  readonly rules?: RulesInput | undefined;
}

/** Calls throw `RateLimiterError` for an empty key or a cost that is not a whole number >= 0. */
export interface RateLimiter {
  readonly name: string;
  /** The limiter's own rules, as compiled. */
  readonly rules: RuleSet;
  readonly dryRun: boolean;
  readonly clock: Clock;
  /** Takes the cost from every rule's bucket, or from none. */
  consume(key: string, options?: ConsumeOptions): Promise<Decision>;
  /** Several calls, each decided by itself, in as few round trips as the store can. */
  consumeMany(calls: readonly ManyCall[], options?: StoreCallOptions): Promise<Decision[]>;
  /** How the key stands, as if a call of cost 0 had been made. */
  peek(key: string, options?: PeekOptions): Promise<Decision>;
  /** Gives back what a call took that turned out not to count. */
  refund(key: string, options?: ConsumeOptions): Promise<void>;
  /** Forgets the key: full buckets, no refusal counted, not blocked. */
  reset(key: string, options?: PeekOptions): Promise<void>;
  /** Refuses every call on the key for `duration` from now, at most 366 days. */
  block(key: string, duration: Duration, options?: PeekOptions): Promise<void>;
  /** Ends a block; the buckets stay as they are. */
  unblock(key: string, options?: PeekOptions): Promise<void>;
  /** Ends what the limiter started. A store that it was given stays open. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A limiter whose store is in this process. */
export interface SyncRateLimiter extends RateLimiter {
  /** As `consume`, without a promise. */
  consumeSync(key: string, options?: ConsumeOptions): Decision;
}

/**
 * Makes a limiter.
 *
 * @example
 * const limiter = createRateLimiter({ rules: ["10/second", "1000/hour"] });
 * const decision = await limiter.consume(userId);
 * if (!decision.allowed) console.log(`try again in ${decision.retryAfterMs} ms`);
 *
 * @throws RateLimiterError `INVALID_RULE`, `INVALID_OPTION`
 */
export function createRateLimiter(options: RateLimiterOptions<SyncRateLimitStore>): SyncRateLimiter;
export function createRateLimiter(options: RateLimiterOptions): RateLimiter;
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const {
    name = "default",
    on = {},
    whenStoreFails = {},
    dryRun = false,
    keysInEvents = false,
    clock = systemClock,
  } = options;
  if (!/^[\x20-\x7e]{1,64}$/.test(name)) {
    throw new RateLimiterError("INVALID_OPTION", "a limiter's name is 1 to 64 printable ASCII characters");
  }
  const given = options.store ?? memoryStore({ clock });
  const guarded = whenStoreFails !== "reject" && !isSync(given);
  const store = guarded
    ? withStoreFailure(
        given,
        whenStoreFails,
        (event) => events.tell(on, "store", () => ({ limiter: name, ...event })),
        clock,
      )
    : given;
  const compile = memoized((rules: RulesInput) =>
    compileRules(name, Array.isArray(rules) ? rules : [rules as RuleInput], options.penalty),
  );
  const own = compile(options.rules);
  const settings: CallSettings = { name, own, compile, on, dryRun, keysInEvents, clock };
  const limiter: RateLimiter = {
    name,
    rules: own,
    dryRun,
    clock,
    async consume(key, call) {
      const cost = call?.cost ?? 1;
      check(key, cost);
      const rules = rulesOf(settings, call);
      const since = start(settings);
      const asked = askedFor(rules, cost);
      const reading = store.consumeLocally?.(rules, key, asked) ?? (await store.consume(rules, key, asked, call));
      return finish(settings, decide(reading, rules, cost), key, since);
    },
    async consumeMany(many, call) {
      const calls = many.map(({ key, cost = 1, rules }) => {
        check(key, cost);
        return { key, cost, rules: rulesOf(settings, { rules }) };
      });
      const since = start(settings);
      const asked = calls.map(({ rules, key, cost }) => ({ rules, key, cost: askedFor(rules, cost) }));
      const readings = await askMany(store, asked, call);
      return calls.map(({ rules, key, cost }, index) =>
        finish(settings, decide(readings[index] as StoreReading, rules, cost), key, since),
      );
    },
    async peek(key, call) {
      check(key, 0);
      const rules = rulesOf(settings, call);
      return decide(await store.peek(rules, key, call), rules, 0);
    },
    async refund(key, call) {
      const cost = call?.cost ?? 1;
      check(key, cost);
      await store.refund(rulesOf(settings, call), key, cost, call);
    },
    async reset(key, call) {
      check(key, 0);
      await store.reset(rulesOf(settings, call), key, call);
    },
    async block(key, duration, call) {
      check(key, 0);
      await store.block(rulesOf(settings, call), key, blockDuration(duration), call);
    },
    async unblock(key, call) {
      check(key, 0);
      await store.unblock(rulesOf(settings, call), key, call);
    },
    async close() {
      if (guarded || options.store === undefined) await store.close();
    },
    [Symbol.asyncDispose]: () => limiter.close(),
  };
  if (!isSync(given)) return limiter;

  return Object.assign(limiter, {
    consumeSync: (key: string, call?: ConsumeOptions) => consumeNow(settings, given, key, call),
    consume: (key: string, call?: ConsumeOptions) => consumeSoon(settings, given, key, call),
  });
}

function isSync(store: RateLimitStore): store is SyncRateLimitStore {
  return "consumeSync" in store;
}

/** Compiles a string once, and an object once as long as it lives. Strings come from the program, not from requests: they are few. */
function memoized(compile: (rules: RulesInput) => RuleSet): (rules: RulesInput) => RuleSet {
  const strings = new Map<string, RuleSet>();
  const objects = new WeakMap<object, RuleSet>();
  return (rules) => {
    const known = typeof rules === "string" ? strings.get(rules) : objects.get(rules);
    if (known) return known;
    const made = compile(rules);
    if (typeof rules === "string") strings.set(rules, made);
    else objects.set(rules, made);
    return made;
  };
}
