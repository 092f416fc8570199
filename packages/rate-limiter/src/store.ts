// The interface that stores fulfil. A store keeps the buckets; what may pass is decided by the engine's rules, wherever it runs.

import type { RuleSet } from "./rule.ts";

/** What a store found, in the engine's units. The limiter makes the user's decision of it. */
export interface StoreReading {
  /**
   * - `passed`: every rule had the cost left, and it has been taken from each
   * - `refused`: some rule had not; nothing was taken from any
   * - `crowded`: the store has no room for another key, and its options say to refuse new ones
   */
  readonly outcome: "passed" | "refused" | "crowded";
  /** For each rule in order: units missing from a full bucket, at the store's own now, after this call. */
  readonly used: readonly number[];
}

/**
 * Keeps token buckets by rule set and key. A key is any non-empty string; keys never meet, however alike, and the same key under
 * two limiters is two subjects.
 *
 * Every call is atomic, over all the rules of the set: of any number of callers at once, on any number of machines, the calls
 * that passed are what the rules allow in some order. A refused call changes nothing. Time is the store's own, in whole
 * milliseconds; when it steps back, nothing is refilled and no bucket's time moves back. A bucket that is full again may be
 * dropped, and no other may.
 *
 * A call that rejects may or may not have taken its cost. An aborted signal rejects with the signal's reason.
 */
export interface RateLimitStore {
  /** Takes `cost` (a whole number from 0 to the smallest burst of the set) from every bucket, or nothing from any. */
  consume(rules: RuleSet, key: string, cost: number, options?: StoreCallOptions): Promise<StoreReading>;
  /** What `consume` with cost 0 would find. Changes nothing. */
  peek(rules: RuleSet, key: string, options?: StoreCallOptions): Promise<StoreReading>;
  /** Puts `cost` tokens back into every bucket, as far as it has room. */
  refund(rules: RuleSet, key: string, cost: number, options?: StoreCallOptions): Promise<void>;
  /** Makes the key's buckets full. */
  reset(rules: RuleSet, key: string, options?: StoreCallOptions): Promise<void>;
  /** Lets go of what the store itself made (timers, its own connections), never of a client that it was given. */
  close(): Promise<void>;
}

export interface StoreCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A store in this process, which answers at once. */
export interface SyncRateLimitStore extends RateLimitStore {
  consumeSync(rules: RuleSet, key: string, cost: number): StoreReading;
}
