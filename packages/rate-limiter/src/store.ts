// The interface that stores fulfil. A store keeps the buckets; what may pass is decided by the engine's rules, wherever it runs.

import type { RuleSet } from "./rule.ts";

/** What a store found, in the engine's units. The limiter makes the user's decision of it. */
export interface StoreReading {
  /**
   * - `passed`: every rule had the cost left, and it has been taken from each
   * - `refused`: some rule had not; nothing was taken from any
   * - `blocked`: the key is blocked, before this call or by it; nothing was taken
   * - `crowded`: the store has no room for another key, and its options say to refuse new ones
   */
  readonly outcome: "passed" | "refused" | "blocked" | "crowded";
  /** For each rule in order: units missing from a full bucket, at the store's own now, after this call. */
  readonly used: readonly number[];
  /** Milliseconds for which the key stays blocked; 0 where it is not. */
  readonly blockedMs: number;
  /** Set by a store that answers in the place of one that failed. */
  readonly degraded?: {
    readonly reason: StoreFailure;
    readonly mode: FailureMode;
    /** Those that the reading is in the units of. */
    readonly rules: RuleSet;
  };
}

/** Who decides while a store does not answer: a local limiter with this instance's share, or nobody. */
export type FailureMode = "fallback" | "open" | "closed";

/** Why a store did not answer: out of time, failed, or left alone because it did before. */
export type StoreFailure = "timeout" | "error" | "circuit-open";

/**
 * Keeps token buckets by rule set and key. A subject is a key under a rule set's `id`; a key is any non-empty string. Keys never
 * meet, however alike, and the same key under two limiters is two subjects.
 *
 * Every call is atomic, over all the rules of the set: of any number of callers at once, on any number of machines, the calls
 * that passed are what the rules allow in some order. A refused call changes no bucket. Time is the store's own, in whole
 * milliseconds; when it steps back, nothing is refilled and no bucket's time moves back. A subject whose buckets are full,
 * whose strikes are forgotten and whose block is over may be dropped, and no other may.
 *
 * With a penalty in the set, each refusal takes one from the subject's strikes, a bucket that refills like any other; the refusal
 * that takes the last one blocks the subject for `blockMs` and gives the strikes back. A blocked subject takes no strikes.
 *
 * A call that rejects may or may not have taken its cost. An aborted signal rejects with the signal's reason.
 */
export interface RateLimitStore {
  /** Takes `cost` (a whole number from 0 to the smallest burst of the set) from every bucket, or nothing from any. */
  consume(rules: RuleSet, key: string, cost: number, options?: StoreCallOptions): Promise<StoreReading>;
  /**
   * Several calls, each decided by itself as if they had come one after the other, in as few round trips as the store can.
   * A store without it is asked one call at a time, all at once.
   */
  consumeMany?(calls: readonly StoreCall[], options?: StoreCallOptions): Promise<readonly StoreReading[]>;
  /** What `consume` would answer, where the store can tell, and take the cost, without I/O; undefined where it has to be asked. */
  consumeLocally?(rules: RuleSet, key: string, cost: number): StoreReading | undefined;
  /** How the subject stands: `passed` or `blocked`. Changes nothing. */
  peek(rules: RuleSet, key: string, options?: StoreCallOptions): Promise<StoreReading>;
  /** Puts `cost` tokens back into every bucket, as far as it has room. */
  refund(rules: RuleSet, key: string, cost: number, options?: StoreCallOptions): Promise<void>;
  /** Forgets the subject: full buckets, no strikes, no block. */
  reset(rules: RuleSet, key: string, options?: StoreCallOptions): Promise<void>;
  /** Blocks the subject for `blockMs` from now, whatever was left of a block before. */
  block(rules: RuleSet, key: string, blockMs: number, options?: StoreCallOptions): Promise<void>;
  /** Ends a block. Buckets and strikes stay as they are. */
  unblock(rules: RuleSet, key: string, options?: StoreCallOptions): Promise<void>;
  /** Lets go of what the store itself made (timers, its own connections), never of a client that it was given. */
  close(): Promise<void>;
}

export interface StoreCall {
  readonly rules: RuleSet;
  readonly key: string;
  readonly cost: number;
}

export interface StoreCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A store that lends tokens, so that an instance spends them by itself. What is lent stays out of the bucket until it is given
 * back or its time is over, spent or not: a bucket never refills beyond its capacity less what is lent. So over any number of
 * instances, what is spent in any interval never exceeds burst + rate x time, as long as each stops spending in time.
 */
export interface LeasingStore extends RateLimitStore {
  /**
   * First takes back `returned`, if its time is not over, and no more than it lent. Then takes `tokens`, or as many as every bucket has left, and lends them
   * for `ttlMs`. Fewer than `least` are a refusal: nothing is taken. 0 tokens only take back.
   */
  lease(rules: RuleSet, key: string, request: LeaseRequest, options?: StoreCallOptions): Promise<LeaseReading>;
}

export interface LeaseRequest {
  /** Names the lease; 1 to 64 characters of `A-Za-z0-9_-`, new each time. */
  readonly id: string;
  readonly tokens: number;
  readonly least: number;
  readonly ttlMs: number;
  readonly returned?: { readonly id: string; readonly unspent: number } | undefined;
}

export interface LeaseReading extends StoreReading {
  /** Tokens lent; 0 unless the outcome is `passed`. */
  readonly lent: number;
}

/** A store in this process, which answers at once. */
export interface SyncRateLimitStore extends RateLimitStore {
  /** As `consume`. The reading is the store's own, and written over by its next call: whoever keeps it copies it. */
  consumeSync(rules: RuleSet, key: string, cost: number): StoreReading;
}

/** Several calls in one, or one by one from a store that can't. */
export function askMany(
  store: RateLimitStore,
  calls: readonly StoreCall[],
  options?: StoreCallOptions,
): Promise<readonly StoreReading[]> {
  if (store.consumeMany) return store.consumeMany(calls, options);
  return Promise.all(calls.map(({ rules, key, cost }) => store.consume(rules, key, cost, options)));
}
