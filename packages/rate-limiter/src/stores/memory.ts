// Buckets in this process: for one instance, for tests, and as what is left when a shared store is down.

import { type Clock, systemClock } from "@holdfast/core";
import { RateLimiterError } from "../errors.ts";
import type { Penalty, Rule, RuleSet } from "../rule.ts";
import type { StoreReading, SyncRateLimitStore } from "../store.ts";
import { fits, refunded, usedAt } from "../token-bucket.ts";
import { BucketTable, MOST_BUCKETS } from "./bucket-table.ts";

export interface MemoryStoreOptions {
  /**
   * How many keys are kept for each rule set, 28 to 44 bytes each for one rule and about 12 more for each further one. Only buckets
   * that are full again are ever dropped, so nobody can free a spent bucket, or a blocked key, by flooding. Default 500 000,
   * at most 16 777 216.
   */
  readonly maxKeys?: number | undefined;
  /**
   * What a new key gets while `maxKeys` buckets are all in use:
   * - `share` (default): one bucket together with all other new keys
   * - `refuse`: a decision `crowded`
   * - `allow`: passes, unlimited
   */
  readonly whenFull?: "share" | "refuse" | "allow" | undefined;
  /** Read by its monotonic side. Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface MemoryStore extends SyncRateLimitStore {
  /** Buckets kept now, and bytes of the arrays that hold them. */
  stats(): { readonly keys: number; readonly bytes: number };
}

// Full buckets are cleared in passing, one segment in this many calls: about 3 ns a call.
const CALLS_A_SWEEP = 1024;
// A segment is rebuilt in passing when an eighth of what it may hold is spent.
const WORTH_A_REBUILD = 128;

/** What one rule set has. Blocks and strikes are few and lie apart, so that a bucket pays nothing for them. */
interface Space {
  /** A bucket is the millisecond for which it is true, then the units missing of each rule. */
  readonly buckets: BucketTable;
  /** Until when. */
  readonly blocks: BucketTable;
  /** As a bucket of one rule. */
  readonly strikes: BucketTable;
  /** The bucket that new keys share when there is no room. */
  readonly shared: Float64Array;
}

/** @throws RateLimiterError `INVALID_OPTION` */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxKeys = 500_000, whenFull = "share", clock = systemClock } = options;
  if (!Number.isInteger(maxKeys) || maxKeys < 1 || maxKeys > MOST_BUCKETS) {
    throw new RateLimiterError(
      "INVALID_OPTION",
      `maxKeys is ${maxKeys}; give a whole number from 1 to ${MOST_BUCKETS}`,
    );
  }
  const spaces = new Map<string, Space>();
  // Most services ask by one rule set again and again.
  let latestRules: RuleSet | undefined;
  let latestSpace: Space | undefined;
  let calls = 0;

  const now = (): number => Math.floor(clock.monotonic());

  function spaceOf(rules: RuleSet): Space {
    if (latestRules === rules && latestSpace) return latestSpace;
    let space = spaces.get(rules.id);
    if (!space) {
      space = makeSpace(rules, maxKeys);
      spaces.set(rules.id, space);
    }
    latestRules = rules;
    latestSpace = space;
    return space;
  }

  function consumeSync(rules: RuleSet, key: string, cost: number): StoreReading {
    const space = spaceOf(rules);
    const { buckets, blocks } = space;
    const time = now();
    calls = (calls + 1) & (CALLS_A_SWEEP - 1);
    if (calls === 0) {
      for (const table of [buckets, blocks, space.strikes]) table.sweep(time, WORTH_A_REBUILD);
    }
    const blockedMs = blocks.size > 0 ? blockLeft(blocks, key, time) : 0;
    if (blockedMs > 0) return { outcome: "blocked", used: usedOf(rules, buckets, key, time), blockedMs };
    let reading: StoreReading;
    if (buckets.findOrAdd(key, time)) reading = take(rules.rules, cost, buckets.values, buckets.offset, time);
    else if (whenFull === "share") reading = take(rules.rules, cost, space.shared, 0, time);
    else reading = { outcome: whenFull === "allow" ? "passed" : "crowded", used: rules.rules.map(zero), blockedMs: 0 };
    if (reading.outcome !== "refused" || !rules.penalty) return reading;
    return strike(space, rules.penalty, key, time)
      ? { ...reading, outcome: "blocked", blockedMs: rules.penalty.blockMs }
      : reading;
  }

  function setBlock({ blocks }: Space, key: string, until: number, time: number): void {
    // A block that finds no room is not set: the key's bucket still refuses it.
    if (blocks.findOrAdd(key, time)) blocks.values[blocks.offset] = until;
  }

  /** Counts a refusal; true where it blocked the key. */
  function strike(space: Space, { strikes: rule, blockMs }: Penalty, key: string, time: number): boolean {
    const { strikes } = space;
    if (!strikes.findOrAdd(key, time)) return false;
    const { used } = take([rule], 1, strikes.values, strikes.offset, time);
    if (fits(rule, used[0] ?? 0, 1)) return false;
    strikes.values[strikes.offset + 1] = 0;
    setBlock(space, key, time + blockMs, time);
    return true;
  }

  function write(rules: RuleSet, key: string, change: (rule: Rule, used: number) => number): void {
    const { buckets } = spaceOf(rules);
    const time = now();
    if (!buckets.find(key)) return;
    const { values, offset } = buckets;
    const used = refill(rules.rules, values, offset, time);
    values[offset] = Math.max(values[offset] as number, time);
    for (const [index, rule] of rules.rules.entries()) values[offset + 1 + index] = change(rule, used[index] as number);
  }

  return {
    consumeSync,
    async consume(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      return consumeSync(rules, key, cost);
    },
    async consumeMany(many, call) {
      call?.signal?.throwIfAborted();
      return many.map(({ rules, key, cost }) => consumeSync(rules, key, cost));
    },
    async peek(rules, key, call) {
      call?.signal?.throwIfAborted();
      const { buckets, blocks } = spaceOf(rules);
      const time = now();
      const blockedMs = blockLeft(blocks, key, time);
      return { outcome: blockedMs > 0 ? "blocked" : "passed", used: usedOf(rules, buckets, key, time), blockedMs };
    },
    async refund(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      write(rules, key, (rule, used) => refunded(rule, used, cost));
    },
    async reset(rules, key, call) {
      call?.signal?.throwIfAborted();
      write(rules, key, zero);
      for (const table of [spaceOf(rules).blocks, spaceOf(rules).strikes]) {
        if (table.find(key)) table.values.fill(0, table.offset, table.offset + table.width);
      }
    },
    async block(rules, key, blockMs, call) {
      call?.signal?.throwIfAborted();
      const time = now();
      setBlock(spaceOf(rules), key, time + blockMs, time);
    },
    async unblock(rules, key, call) {
      call?.signal?.throwIfAborted();
      const { blocks } = spaceOf(rules);
      if (blocks.find(key)) blocks.values[blocks.offset] = 0;
    },
    stats() {
      const tables = [...spaces.values()].flatMap((space) => [space.buckets, space.blocks, space.strikes]);
      return {
        keys: [...spaces.values()].reduce((sum, space) => sum + space.buckets.size, 0),
        bytes: tables.reduce((sum, table) => sum + table.byteLength, 0),
      };
    },
    async close() {
      spaces.clear();
      latestRules = undefined;
    },
  };
}

function makeSpace({ rules, penalty }: RuleSet, maxSize: number): Space {
  // A seed of its own for each table: nobody outside can aim for a collision in any.
  const table = (width: number, isSpent: BucketTable["isSpent"]): BucketTable =>
    new BucketTable({ width, maxSize, seed: crypto.getRandomValues(new Int32Array(2)), isSpent });
  const isFull =
    (of: readonly Rule[]): BucketTable["isSpent"] =>
    (values, offset, time) => {
      for (let index = 0; index < of.length; index++) {
        if (usedAt(of[index] as Rule, values[offset + 1 + index] as number, values[offset] as number, time) > 0)
          return false;
      }
      return true;
    };
  return {
    buckets: table(rules.length + 1, isFull(rules)),
    blocks: table(1, (values, offset, time) => (values[offset] as number) <= time),
    strikes: table(2, isFull(penalty ? [penalty.strikes] : [])),
    shared: new Float64Array(rules.length + 1),
  };
}

/** Pass 1 looks at every bucket, pass 2 writes, and only if all of them have the cost. */
function take(rules: readonly Rule[], cost: number, values: Float64Array, offset: number, now: number): StoreReading {
  if (rules.length === 1) return takeOne(rules[0] as Rule, cost, values, offset, now);
  const used = refill(rules, values, offset, now);
  for (let index = 0; index < rules.length; index++) {
    if (!fits(rules[index] as Rule, used[index] as number, cost)) return { outcome: "refused", used, blockedMs: 0 };
  }
  if ((values[offset] as number) < now) values[offset] = now;
  for (let index = 0; index < rules.length; index++) {
    const units = (used[index] as number) + cost * (rules[index] as Rule).tokenUnits;
    used[index] = units;
    values[offset + 1 + index] = units;
  }
  return { outcome: "passed", used, blockedMs: 0 };
}

/** The same for the one rule that most limiters have, without loops. */
function takeOne(rule: Rule, cost: number, values: Float64Array, offset: number, now: number): StoreReading {
  const at = values[offset] as number;
  const used = usedAt(rule, values[offset + 1] as number, at, now);
  if (!fits(rule, used, cost)) return { outcome: "refused", used: [used], blockedMs: 0 };
  const after = used + cost * rule.tokenUnits;
  if (at < now) values[offset] = now;
  values[offset + 1] = after;
  return { outcome: "passed", used: [after], blockedMs: 0 };
}

function refill(rules: readonly Rule[], values: Float64Array, offset: number, now: number): number[] {
  const at = values[offset] as number;
  const used: number[] = [];
  for (let index = 0; index < rules.length; index++) {
    used.push(usedAt(rules[index] as Rule, values[offset + 1 + index] as number, at, now));
  }
  return used;
}

function usedOf({ rules }: RuleSet, buckets: BucketTable, key: string, now: number): number[] {
  return buckets.find(key) ? refill(rules, buckets.values, buckets.offset, now) : rules.map(zero);
}

function blockLeft(blocks: BucketTable, key: string, now: number): number {
  return blocks.find(key) ? Math.max(0, (blocks.values[blocks.offset] as number) - now) : 0;
}

function zero(): number {
  return 0;
}
