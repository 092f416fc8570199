// All that the memory store keeps for one rule set, and what a call does to it.

import type { Clock } from "@holdfast/core";
import type { Penalty, Rule, RuleSet } from "../rule.ts";
import type { StoreReading } from "../store.ts";
import { fits, refunded, usedAt } from "../token-bucket.ts";
import { BucketTable } from "./bucket-table.ts";
import { KeyHash } from "./key-hash.ts";
import { makeReading, type Reading, takeAll, takeOne } from "./take.ts";

export interface SpaceOptions {
  readonly maxKeys: number;
  readonly whenFull: "share" | "refuse" | "allow";
  /** Read by its monotonic side. */
  readonly clock: Clock;
}

// Full buckets are cleared in passing, one segment in this many calls: about 3 ns a call.
const CALLS_A_SWEEP = 1024;
// A segment is rebuilt in passing when an eighth of what it may hold is spent.
const WORTH_A_REBUILD = 128;

/** Times are whole milliseconds of its clock. */
export class MemorySpace {
  /** Of the key that is asked for. Seeded anew for each rule set: nobody outside can aim for a collision in any. */
  readonly #hash = new KeyHash(crypto.getRandomValues(new Int32Array(2)));
  /** A bucket is the millisecond for which it is true, then the units missing of each rule. */
  readonly #buckets: BucketTable;
  // Blocks and strikes are few and lie apart, so that a bucket pays nothing for them.
  /** Until when. */
  readonly #blocks: BucketTable;
  /** As a bucket of one rule. */
  readonly #strikes: BucketTable;
  /** The bucket that new keys share when there is no room. */
  readonly #shared: Float64Array;
  readonly #whenFull: SpaceOptions["whenFull"];
  readonly #clock: Clock;
  readonly #reading: Reading;
  #calls = 0;

  constructor({ rules, penalty }: RuleSet, { maxKeys, whenFull, clock }: SpaceOptions) {
    const table = (width: number, isSpent: BucketTable["isSpent"]): BucketTable =>
      new BucketTable({ width, maxSize: maxKeys, isSpent });
    this.#buckets = table(rules.length + 1, isFull(rules));
    this.#blocks = table(1, (values, offset, time) => (values[offset] as number) <= time);
    this.#strikes = table(2, isFull(penalty ? [penalty.strikes] : []));
    this.#shared = new Float64Array(rules.length + 1);
    this.#whenFull = whenFull;
    this.#clock = clock;
    this.#reading = makeReading(rules.length);
  }

  get keys(): number {
    return this.#buckets.size;
  }

  get bytes(): number {
    return this.#buckets.byteLength + this.#blocks.byteLength + this.#strikes.byteLength;
  }

  /** The reading is written over by the next call. What few calls meet stands in methods of its own, so that this one is compiled small. */
  consume(rules: RuleSet, key: string, cost: number): StoreReading {
    // In this order: reading the clock waits for all that memory is still asked for, and the hash can be computed meanwhile.
    const hash = this.#hashOf(key);
    const now = this.#now();
    this.#calls = (this.#calls + 1) & (CALLS_A_SWEEP - 1);
    if (this.#calls === 0) this.#sweep(now);
    if (this.#blocks.size > 0 && this.#blockLeft(hash, now) > 0) return this.#standing(rules, hash, now);
    const buckets = this.#buckets;
    const reading = this.#reading;
    const hasBucket = buckets.findOrAdd(hash, now);
    if (!hasBucket && this.#whenFull !== "share") return this.#crowded(rules);
    const values = hasBucket ? buckets.values : this.#shared;
    const offset = hasBucket ? buckets.offset : 0;
    const passed =
      rules.rules.length === 1
        ? takeOne(rules.rules[0] as Rule, cost, values, offset, now, reading)
        : takeAll(rules.rules, cost, values, offset, now, reading);
    // Who was refused by what others have spent of the shared bucket has done nothing to be punished for.
    return passed || !hasBucket || rules.penalty === undefined ? reading : this.#punish(rules.penalty, hash, now);
  }

  peek(rules: RuleSet, key: string): StoreReading {
    return this.#standing(rules, this.#hashOf(key), this.#now());
  }

  refund(rules: RuleSet, key: string, cost: number): void {
    this.#write(rules, this.#hashOf(key), (rule, used) => refunded(rule, used, cost));
  }

  reset(rules: RuleSet, key: string): void {
    const hash = this.#hashOf(key);
    this.#write(rules, hash, zero);
    for (const table of [this.#blocks, this.#strikes]) {
      if (table.find(hash)) table.values.fill(0, table.offset, table.offset + table.width);
    }
  }

  block(key: string, blockMs: number): void {
    const now = this.#now();
    this.#block(this.#hashOf(key), now + blockMs, now);
  }

  unblock(key: string): void {
    const blocks = this.#blocks;
    if (blocks.find(this.#hashOf(key))) blocks.values[blocks.offset] = 0;
  }

  /** Valid until the next key's. */
  #hashOf(key: string): KeyHash {
    this.#hash.update(key);
    return this.#hash;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic());
  }

  #standing(rules: RuleSet, hash: KeyHash, now: number): StoreReading {
    const blockedMs = this.#blockLeft(hash, now);
    return { outcome: blockedMs > 0 ? "blocked" : "passed", used: this.#used(rules, hash, now), blockedMs };
  }

  #used({ rules }: RuleSet, hash: KeyHash, now: number): number[] {
    const buckets = this.#buckets;
    if (!buckets.find(hash)) return rules.map(zero);
    const { values, offset } = buckets;
    return rules.map((rule, index) =>
      usedAt(rule, values[offset + 1 + index] as number, values[offset] as number, now),
    );
  }

  #blockLeft(hash: KeyHash, now: number): number {
    const blocks = this.#blocks;
    return blocks.size > 0 && blocks.find(hash) ? Math.max(0, (blocks.values[blocks.offset] as number) - now) : 0;
  }

  #block(hash: KeyHash, until: number, now: number): void {
    const blocks = this.#blocks;
    // A block that finds no room is not set: the key's bucket still refuses it.
    if (blocks.findOrAdd(hash, now)) blocks.values[blocks.offset] = until;
  }

  #crowded({ rules }: RuleSet): StoreReading {
    return { outcome: this.#whenFull === "allow" ? "passed" : "crowded", used: rules.map(zero), blockedMs: 0 };
  }

  /** Counts a refusal, the last of which blocks the key. */
  #punish({ strikes: rule, blockMs }: Penalty, hash: KeyHash, now: number): StoreReading {
    const strikes = this.#strikes;
    const reading = this.#reading;
    if (!strikes.findOrAdd(hash, now)) return reading;
    const { values, offset } = strikes;
    const used = usedAt(rule, values[offset + 1] as number, values[offset] as number, now) + rule.tokenUnits;
    const isLast = !fits(rule, used, 1);
    values[offset] = Math.max(values[offset] as number, now);
    values[offset + 1] = isLast ? 0 : used;
    if (!isLast) return reading;
    this.#block(hash, now + blockMs, now);
    return { outcome: "blocked", used: reading.used, blockedMs: blockMs };
  }

  #write(rules: RuleSet, hash: KeyHash, change: (rule: Rule, used: number) => number): void {
    const buckets = this.#buckets;
    if (!buckets.find(hash)) return;
    const now = this.#now();
    const used = this.#used(rules, hash, now);
    const { values, offset } = buckets;
    values[offset] = Math.max(values[offset] as number, now);
    for (const [index, rule] of rules.rules.entries()) values[offset + 1 + index] = change(rule, used[index] as number);
  }

  #sweep(now: number): void {
    for (const table of [this.#buckets, this.#blocks, this.#strikes]) table.sweep(now, WORTH_A_REBUILD);
  }
}

function isFull(rules: readonly Rule[]): BucketTable["isSpent"] {
  return (values, offset, time) => {
    for (let index = 0; index < rules.length; index++) {
      if (usedAt(rules[index] as Rule, values[offset + 1 + index] as number, values[offset] as number, time) > 0)
        return false;
    }
    return true;
  };
}

function zero(): number {
  return 0;
}
