// Buckets in this process: for one instance, for tests, and as what is left when a shared store is down.

import { type Clock, systemClock } from "@holdfast/core";
import { RateLimiterError } from "../errors.ts";
import type { RuleSet } from "../rule.ts";
import type { StoreReading, SyncRateLimitStore } from "../store.ts";
import { MOST_BUCKETS } from "./bucket-table.ts";
import { MemorySpace, type SpaceOptions } from "./memory-space.ts";

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

/** @throws RateLimiterError `INVALID_OPTION` */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxKeys = 500_000, whenFull = "share", clock = systemClock } = options;
  if (!Number.isInteger(maxKeys) || maxKeys < 1 || maxKeys > MOST_BUCKETS) {
    throw new RateLimiterError(
      "INVALID_OPTION",
      `maxKeys is ${maxKeys}; give a whole number from 1 to ${MOST_BUCKETS}`,
    );
  }
  const spaces = new MemorySpaces({ maxKeys, whenFull, clock });
  /** The caller may keep it. */
  const keep = (reading: StoreReading): StoreReading => ({ ...reading, used: [...reading.used] });

  return {
    consumeSync: (rules, key, cost) => spaces.consume(rules, key, cost),
    async consume(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      return keep(spaces.consume(rules, key, cost));
    },
    async consumeMany(many, call) {
      call?.signal?.throwIfAborted();
      return many.map(({ rules, key, cost }) => keep(spaces.consume(rules, key, cost)));
    },
    async peek(rules, key, call) {
      call?.signal?.throwIfAborted();
      return spaces.of(rules).peek(rules, key);
    },
    async refund(rules, key, cost, call) {
      call?.signal?.throwIfAborted();
      spaces.of(rules).refund(rules, key, cost);
    },
    async reset(rules, key, call) {
      call?.signal?.throwIfAborted();
      spaces.of(rules).reset(rules, key);
    },
    async block(rules, key, blockMs, call) {
      call?.signal?.throwIfAborted();
      spaces.of(rules).block(key, blockMs);
    },
    async unblock(rules, key, call) {
      call?.signal?.throwIfAborted();
      spaces.of(rules).unblock(key);
    },
    stats: () => spaces.stats(),
    async close() {
      spaces.clear();
    },
  };
}

/** A class, because its methods are the same functions for every store: the compiler then knows all that a call goes through. */
class MemorySpaces {
  readonly #spaces = new Map<string, MemorySpace>();
  readonly #options: SpaceOptions;
  // Most services ask by one rule set again and again.
  #latestRules: RuleSet | undefined;
  #latest: MemorySpace | undefined;

  constructor(options: SpaceOptions) {
    this.#options = options;
  }

  consume(rules: RuleSet, key: string, cost: number): StoreReading {
    return this.of(rules).consume(rules, key, cost);
  }

  of(rules: RuleSet): MemorySpace {
    return this.#latest !== undefined && rules === this.#latestRules ? this.#latest : this.#find(rules);
  }

  stats(): { readonly keys: number; readonly bytes: number } {
    let [keys, bytes] = [0, 0];
    for (const space of this.#spaces.values()) {
      keys += space.keys;
      bytes += space.bytes;
    }
    return { keys, bytes };
  }

  clear(): void {
    this.#spaces.clear();
    this.#latest = undefined;
  }

  #find(rules: RuleSet): MemorySpace {
    const space = this.#spaces.get(rules.id) ?? new MemorySpace(rules, this.#options);
    this.#spaces.set(rules.id, space);
    this.#latestRules = rules;
    this.#latest = space;
    return space;
  }
}
