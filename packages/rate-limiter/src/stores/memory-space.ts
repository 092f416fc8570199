// All that the memory store keeps for one rule set, and what a call does to it.

import type { Penalty, Rule, RuleSet } from "../rule.ts";
import type { StoreReading } from "../store.ts";
import { fits, refunded, usedAt } from "../token-bucket.ts";
import { BucketTable } from "./bucket-table.ts";

export interface SpaceOptions {
  readonly maxKeys: number;
  readonly whenFull: "share" | "refuse" | "allow";
}

/** Written anew by each call, so that a call leaves nothing to the collector. */
interface Reading {
  outcome: "passed" | "refused";
  readonly used: number[];
  readonly blockedMs: 0;
}

// Full buckets are cleared in passing, one segment in this many calls: about 3 ns a call.
const CALLS_A_SWEEP = 1024;
// A segment is rebuilt in passing when an eighth of what it may hold is spent.
const WORTH_A_REBUILD = 128;

/** Times are whole milliseconds of one clock. */
export class MemorySpace {
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
  readonly #reading: Reading;
  #calls = 0;

  constructor({ rules, penalty }: RuleSet, { maxKeys, whenFull }: SpaceOptions) {
    // A seed of its own for each table: nobody outside can aim for a collision in any.
    const table = (width: number, isSpent: BucketTable["isSpent"]): BucketTable =>
      new BucketTable({ width, maxSize: maxKeys, seed: crypto.getRandomValues(new Int32Array(2)), isSpent });
    this.#buckets = table(rules.length + 1, isFull(rules));
    this.#blocks = table(1, (values, offset, time) => (values[offset] as number) <= time);
    this.#strikes = table(2, isFull(penalty ? [penalty.strikes] : []));
    this.#shared = new Float64Array(rules.length + 1);
    this.#whenFull = whenFull;
    this.#reading = makeReading(rules.length);
  }

  get keys(): number {
    return this.#buckets.size;
  }

  get bytes(): number {
    return this.#buckets.byteLength + this.#blocks.byteLength + this.#strikes.byteLength;
  }

  /** The reading is written over by the next call. What few calls meet stands in methods of its own, so that this one is compiled small. */
  consume(rules: RuleSet, key: string, cost: number, now: number): StoreReading {
    this.#calls = (this.#calls + 1) & (CALLS_A_SWEEP - 1);
    if (this.#calls === 0) this.#sweep(now);
    if (this.#blocks.size > 0 && this.blockLeft(key, now) > 0) return this.#blocked(rules, key, now);
    const buckets = this.#buckets;
    const reading = this.#reading;
    const hasBucket = buckets.findOrAdd(key, now);
    if (!hasBucket && this.#whenFull !== "share") return this.#crowded(rules);
    const values = hasBucket ? buckets.values : this.#shared;
    const offset = hasBucket ? buckets.offset : 0;
    const passed =
      rules.rules.length === 1
        ? takeOne(rules.rules[0] as Rule, cost, values, offset, now, reading)
        : takeAll(rules.rules, cost, values, offset, now, reading);
    // Who was refused by what others have spent of the shared bucket has done nothing to be punished for.
    return passed || !hasBucket || rules.penalty === undefined ? reading : this.#punish(rules.penalty, key, now);
  }

  used({ rules }: RuleSet, key: string, now: number): number[] {
    const buckets = this.#buckets;
    if (!buckets.find(key)) return rules.map(zero);
    const { values, offset } = buckets;
    return rules.map((rule, index) =>
      usedAt(rule, values[offset + 1 + index] as number, values[offset] as number, now),
    );
  }

  blockLeft(key: string, now: number): number {
    const blocks = this.#blocks;
    return blocks.size > 0 && blocks.find(key) ? Math.max(0, (blocks.values[blocks.offset] as number) - now) : 0;
  }

  refund(rules: RuleSet, key: string, cost: number, now: number): void {
    this.#write(rules, key, now, (rule, used) => refunded(rule, used, cost));
  }

  reset(rules: RuleSet, key: string, now: number): void {
    this.#write(rules, key, now, zero);
    for (const table of [this.#blocks, this.#strikes]) {
      if (table.find(key)) table.values.fill(0, table.offset, table.offset + table.width);
    }
  }

  block(key: string, until: number, now: number): void {
    const blocks = this.#blocks;
    // A block that finds no room is not set: the key's bucket still refuses it.
    if (blocks.findOrAdd(key, now)) blocks.values[blocks.offset] = until;
  }

  unblock(key: string): void {
    const blocks = this.#blocks;
    if (blocks.find(key)) blocks.values[blocks.offset] = 0;
  }

  #blocked(rules: RuleSet, key: string, now: number): StoreReading {
    return { outcome: "blocked", used: this.used(rules, key, now), blockedMs: this.blockLeft(key, now) };
  }

  #crowded({ rules }: RuleSet): StoreReading {
    return { outcome: this.#whenFull === "allow" ? "passed" : "crowded", used: rules.map(zero), blockedMs: 0 };
  }

  /** Counts a refusal, the last of which blocks the key. */
  #punish({ strikes: rule, blockMs }: Penalty, key: string, now: number): StoreReading {
    const strikes = this.#strikes;
    const reading = this.#reading;
    if (!strikes.findOrAdd(key, now)) return reading;
    const { values, offset } = strikes;
    const used = usedAt(rule, values[offset + 1] as number, values[offset] as number, now) + rule.tokenUnits;
    const isLast = !fits(rule, used, 1);
    values[offset] = Math.max(values[offset] as number, now);
    values[offset + 1] = isLast ? 0 : used;
    if (!isLast) return reading;
    this.block(key, now + blockMs, now);
    return { outcome: "blocked", used: reading.used, blockedMs: blockMs };
  }

  #write(rules: RuleSet, key: string, now: number, change: (rule: Rule, used: number) => number): void {
    const buckets = this.#buckets;
    if (!buckets.find(key)) return;
    const used = this.used(rules, key, now);
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

/** Pass 1 looks at every bucket, pass 2 writes, and only if all of them have the cost. Tells whether they had. */
function takeAll(
  rules: readonly Rule[],
  cost: number,
  values: Float64Array,
  offset: number,
  now: number,
  reading: Reading,
): boolean {
  const { used } = reading;
  const at = values[offset] as number;
  let passes = true;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index] as Rule;
    const units = usedAt(rule, values[offset + 1 + index] as number, at, now);
    used[index] = units;
    passes &&= fits(rule, units, cost);
  }
  reading.outcome = passes ? "passed" : "refused";
  if (!passes) return false;
  if (at < now) values[offset] = now;
  for (let index = 0; index < rules.length; index++) {
    const units = (used[index] as number) + cost * (rules[index] as Rule).tokenUnits;
    used[index] = units;
    values[offset + 1 + index] = units;
  }
  return true;
}

/** The same for the one rule that most limiters have, without loops. */
function takeOne(
  rule: Rule,
  cost: number,
  values: Float64Array,
  offset: number,
  now: number,
  reading: Reading,
): boolean {
  const at = values[offset] as number;
  const used = usedAt(rule, values[offset + 1] as number, at, now);
  if (!fits(rule, used, cost)) {
    reading.outcome = "refused";
    reading.used[0] = used;
    return false;
  }
  const after = used + cost * rule.tokenUnits;
  if (at < now) values[offset] = now;
  values[offset + 1] = after;
  reading.outcome = "passed";
  reading.used[0] = after;
  return true;
}

function makeReading(rules: number): Reading {
  return { outcome: "passed", used: new Array<number>(rules).fill(0), blockedMs: 0 };
}

function zero(): number {
  return 0;
}
