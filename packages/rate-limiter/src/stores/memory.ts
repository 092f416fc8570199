// Buckets in this process: for one instance, for tests, and as what is left when a shared store is down.

import { type Clock, systemClock } from "@holdfast/core";
import { RateLimiterError } from "../errors.ts";
import type { Rule, RuleSet } from "../rule.ts";
import type { StoreReading, SyncRateLimitStore } from "../store.ts";
import { fits, refunded, usedAt } from "../token-bucket.ts";
import { BucketTable, MOST_BUCKETS } from "./bucket-table.ts";

export interface MemoryStoreOptions {
  /**
   * How many buckets are kept for each rule set, about 33 bytes each for one rule and 8 more for each further one. Only buckets
   * that are full again are ever dropped, so nobody can free a spent bucket by flooding. Default 500 000, at most 16 777 216.
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

/** The buckets of one rule set: its table and the bucket that new keys share when there is no room. */
interface Space {
  readonly rules: RuleSet;
  readonly table: BucketTable;
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
  const seed = crypto.getRandomValues(new Int32Array(2));
  const spaces = new Map<string, Space>();
  // Most services ask by one rule set again and again.
  let latest: Space | undefined;
  let calls = 0;

  const now = (): number => Math.floor(clock.monotonic());

  function spaceOf(rules: RuleSet): Space {
    if (latest?.rules === rules) return latest;
    let space = spaces.get(rules.id);
    if (!space) {
      space = { rules, table: makeTable(rules), shared: new Float64Array(rules.rules.length + 1) };
      spaces.set(rules.id, space);
    }
    latest = { ...space, rules };
    return latest;
  }

  function makeTable({ rules }: RuleSet): BucketTable {
    return new BucketTable({
      width: rules.length + 1,
      maxSize: maxKeys,
      seed: [seed[0] ?? 0, seed[1] ?? 0],
      isSpent(values, offset, time) {
        const at = values[offset] as number;
        return rules.every((rule, index) => usedAt(rule, values[offset + 1 + index] as number, at, time) === 0);
      },
    });
  }

  function consumeSync(rules: RuleSet, key: string, cost: number): StoreReading {
    const { table, shared } = spaceOf(rules);
    const time = now();
    if (++calls % CALLS_A_SWEEP === 0) table.sweep(time, WORTH_A_REBUILD);
    if (table.findOrAdd(key, time)) return take(rules, cost, table.values, table.offset, time);
    if (whenFull === "share") return take(rules, cost, shared, 0, time);
    return { outcome: whenFull === "allow" ? "passed" : "crowded", used: rules.rules.map(() => 0) };
  }

  function peekSync(rules: RuleSet, key: string): StoreReading {
    const { table } = spaceOf(rules);
    const time = now();
    if (!table.find(key)) return { outcome: "passed", used: rules.rules.map(() => 0) };
    return { outcome: "passed", used: read(rules, table.values, table.offset, time) };
  }

  function write(rules: RuleSet, key: string, change: (used: number, index: number) => number): void {
    const { table } = spaceOf(rules);
    const time = now();
    if (!table.find(key)) return;
    const { values, offset } = table;
    const used = read(rules, values, offset, time);
    values[offset] = Math.max(values[offset] as number, time);
    for (const [index, units] of used.entries()) values[offset + 1 + index] = change(units, index);
  }

  return {
    consumeSync,
    async consume(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      return consumeSync(rules, key, cost);
    },
    async peek(rules, key, call) {
      call?.signal?.throwIfAborted();
      return peekSync(rules, key);
    },
    async refund(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      write(rules, key, (used, index) => {
        const rule = rules.rules[index];
        return rule ? refunded(rule, used, cost) : used;
      });
    },
    async reset(rules, key, call) {
      call?.signal?.throwIfAborted();
      write(rules, key, () => 0);
    },
    stats() {
      const tables = [...spaces.values()].map((space) => space.table);
      return {
        keys: tables.reduce((sum, table) => sum + table.size, 0),
        bytes: tables.reduce((sum, table) => sum + table.byteLength, 0),
      };
    },
    async close() {
      spaces.clear();
      latest = undefined;
    },
  };
}

/** Pass 1 looks at every bucket, pass 2 writes, and only if all of them have the cost. */
function take(rules: RuleSet, cost: number, values: Float64Array, offset: number, now: number): StoreReading {
  const at = values[offset] as number;
  const used: number[] = [];
  let passed = true;
  for (let index = 0; index < rules.rules.length; index++) {
    const rule = rules.rules[index] as Rule;
    const units = usedAt(rule, values[offset + 1 + index] as number, at, now);
    used.push(units);
    if (!fits(rule, units, cost)) passed = false;
  }
  if (!passed) return { outcome: "refused", used };
  values[offset] = Math.max(at, now);
  for (let index = 0; index < rules.rules.length; index++) {
    const rule = rules.rules[index] as Rule;
    const units = (used[index] as number) + cost * rule.tokenUnits;
    used[index] = units;
    values[offset + 1 + index] = units;
  }
  return { outcome: "passed", used };
}

function read(rules: RuleSet, values: Float64Array, offset: number, now: number): number[] {
  const at = values[offset] as number;
  return rules.rules.map((rule, index) => usedAt(rule, values[offset + 1 + index] as number, at, now));
}
