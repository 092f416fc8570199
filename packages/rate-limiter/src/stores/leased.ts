// A batch of tokens taken at once and spent here: one round trip for many calls on a busy key.

import { type Clock, type Duration, systemClock, unlessAborted } from "@holdfast/core";
import { durationOption } from "../duration-option.ts";
import { RateLimiterError } from "../errors.ts";
import type { RuleSet } from "../rule.ts";
import type { LeasingStore, RateLimitStore, StoreCallOptions, StoreReading } from "../store.ts";
import { usedAt, waitFor } from "../token-bucket.ts";

export interface LeaseOptions {
  /** Tokens taken at once, at most; never more than a tenth of the smallest burst, and below 2 none are. Default 100. */
  readonly tokens?: number | undefined;
  /** How long they may be spent here. Longer leaves more unused, shorter asks more often. Default 2 s. */
  readonly ttl?: Duration | undefined;
  /**
   * Keys that have a lease at the same time, for each rule set, about 300 bytes each; further keys are asked for call by call.
   * Default 10 000.
   */
  readonly maxKeys?: number | undefined;
  /** Read by its monotonic side. Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

/** What this instance holds of a key, and what it last heard of it. */
interface Holding {
  id: string;
  left: number;
  expiresAt: number;
  /** Calls of this cost or more were refused until then. */
  refusedCost: number;
  refusedUntil: number;
  /** The store's figures, and when they were true. */
  used: readonly number[];
  usedAt: number;
  pending: Promise<StoreReading> | undefined;
}

/** What this instance holds under one rule set. A key that asks goes to the end: leases live equally long, so the front is over first. */
interface Space {
  readonly rules: RuleSet;
  readonly holdings: Map<string, Holding>;
}

// Two clocks may differ in pace: one part in a hundred is a hundred times what quartz is allowed.
const PACE_MARGIN = 0.01;
// The store counts whole milliseconds, so its time may be up to one ahead of when it really lent.
const TICK_MS = 1;
const LEAST_SHARE = 10;
// A call that others keep outrunning, or whose leases arrive expired, is asked for by itself in the end.
const MOST_ROUNDS = 16;

/**
 * A store that spends leased tokens of `store` without asking it. Uses never exceed burst + rate x time on any interval, over any
 * number of instances: an instance counts a lease's time from before it asked, on its monotonic clock. What it may under-use:
 * the refill that unspent leases keep out, at most (instances x `tokens`) tokens every `ttl` on a key; a crashed instance
 * wastes its lease until then. What is done to a key by hand (refund, reset, block, unblock) holds here at once, and on
 * other instances within `ttl`. Rule sets with a penalty are never leased, because each refusal has to be counted.
 *
 * @example
 * const store = withLeases(redisStore({ client }), { tokens: 100, ttl: "2s" });
 * @throws RateLimiterError `INVALID_OPTION`
 */
export function withLeases(store: LeasingStore, options: LeaseOptions = {}): RateLimitStore {
  const { tokens = 100, maxKeys = 10_000, clock = systemClock } = options;
  const ttlMs = durationOption("ttl", options.ttl ?? 2000, 10, 3_600_000);
  for (const [name, value] of Object.entries({ tokens, maxKeys })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RateLimiterError("INVALID_OPTION", `${name} is ${value}; give a whole number >= 1`);
    }
  }
  const spaces = new Map<string, Space>();
  const known = new WeakMap<RuleSet, Space>();
  // Ids are told apart by instance and number.
  const instance = crypto.randomUUID();
  let leases = 0;

  const now = (): number => clock.monotonic();
  const sizeOf = (rules: RuleSet): number => Math.min(tokens, Math.floor(rules.smallestBurst / LEAST_SHARE));
  const isLeased = (rules: RuleSet, cost: number): boolean =>
    rules.penalty === undefined && sizeOf(rules) >= 2 && cost > 0 && cost <= sizeOf(rules);

  function consumeLocally(rules: RuleSet, key: string, cost: number): StoreReading | undefined {
    const holding = known.get(rules)?.holdings.get(key);
    if (holding === undefined || cost === 0) return undefined;
    const time = now();
    if (holding.left >= cost && time < holding.expiresAt) {
      holding.left -= cost;
      return { outcome: "passed", used: figures(rules, holding, time), blockedMs: 0 };
    }
    if (time < holding.refusedUntil && cost >= holding.refusedCost) {
      return { outcome: "refused", used: figures(rules, holding, time), blockedMs: 0 };
    }
    return undefined;
  }

  async function consume(rules: RuleSet, key: string, cost: number, call?: StoreCallOptions): Promise<StoreReading> {
    if (!isLeased(rules, cost)) return await store.consume(rules, key, cost, call);
    const { holdings } = spaceOf(rules);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      call?.signal?.throwIfAborted();
      const local = consumeLocally(rules, key, cost);
      if (local) return local;
      const holding = holdingOf(holdings, key);
      if (!holding) break;
      const isAsking = holding.pending === undefined;
      holding.pending ??= acquire(rules, key, holding, cost).finally(() => {
        holding.pending = undefined;
      });
      const reading = await unlessAborted(holding.pending, call?.signal);
      // A refusal is of the cost that was asked for; whoever waited along may want less.
      if (reading.outcome === "blocked" || (isAsking && reading.outcome !== "passed")) return reading;
    }
    return await store.consume(rules, key, cost, call);
  }

  async function acquire(rules: RuleSet, key: string, holding: Holding, least: number): Promise<StoreReading> {
    const { id, left } = holding;
    const before = now();
    // From here on the old lease is the store's again, whatever becomes of the request.
    holding.left = 0;
    holding.id = `${instance}-${++leases}`;
    const reading = await store.lease(rules, key, {
      id: holding.id,
      tokens: sizeOf(rules),
      least,
      ttlMs,
      returned: id === "" ? undefined : { id, unspent: left },
    });
    holding.used = reading.used;
    holding.usedAt = now();
    if (reading.outcome === "passed") {
      holding.left = reading.lent;
      holding.expiresAt = before + ttlMs * (1 - PACE_MARGIN) - TICK_MS;
    } else {
      holding.id = "";
      holding.refusedCost = least;
      // Others may give back or reset before the wait is over, so it is asked for again. A block may be ended at any time.
      const waitMs = Math.min(ttlMs, waitOf(rules, reading, least));
      holding.refusedUntil = reading.outcome === "refused" ? holding.usedAt + waitMs : 0;
    }
    return reading;
  }

  function spaceOf(rules: RuleSet): Space {
    const found = known.get(rules);
    if (found) return found;
    const name = nameOf(rules);
    const space = spaces.get(name) ?? { rules, holdings: new Map() };
    spaces.set(name, space);
    known.set(rules, space);
    return space;
  }

  /** Undefined where as many keys are held as may be. */
  function holdingOf(holdings: Map<string, Holding>, key: string): Holding | undefined {
    const found = holdings.get(key);
    if (found) {
      holdings.delete(key);
      holdings.set(key, found);
      return found;
    }
    for (const [oldKey, old] of holdings) {
      if (old.pending || now() < Math.max(old.expiresAt, old.refusedUntil)) break;
      holdings.delete(oldKey);
    }
    if (holdings.size >= maxKeys) return undefined;
    const made: Holding = {
      id: "",
      left: 0,
      expiresAt: 0,
      refusedCost: 0,
      refusedUntil: 0,
      used: [],
      usedAt: 0,
      pending: undefined,
    };
    holdings.set(key, made);
    return made;
  }

  /** After the store has been told: what was lent while that was under way is not spent either. */
  function drop(rules: RuleSet, key: string): void {
    spaces.get(nameOf(rules))?.holdings.delete(key);
  }

  return {
    consumeLocally,
    consume,
    peek: (rules, key, call) => store.peek(rules, key, call),
    async refund(rules, key, cost, call) {
      await store.refund(rules, key, cost, call);
      const holding = spaces.get(nameOf(rules))?.holdings.get(key);
      if (holding) holding.refusedUntil = 0;
    },
    reset: (rules, key, call) => store.reset(rules, key, call).finally(() => drop(rules, key)),
    block: (rules, key, blockMs, call) => store.block(rules, key, blockMs, call).finally(() => drop(rules, key)),
    unblock: (rules, key, call) => store.unblock(rules, key, call),
    async close() {
      // What can't be given back comes back by itself when its time is over, so there is no use in waiting longer.
      const late = new AbortController();
      const cancel = clock.schedule(() => late.abort(), ttlMs);
      const given: Promise<unknown>[] = [];
      for (const { rules, holdings } of spaces.values()) {
        for (const [key, { id, left, expiresAt }] of holdings) {
          if (id === "" || left === 0 || now() >= expiresAt) continue;
          const request = { id: `${instance}-end`, tokens: 0, least: 0, ttlMs, returned: { id, unspent: left } };
          given.push(store.lease(rules, key, request, { signal: late.signal }));
        }
        holdings.clear();
      }
      await Promise.allSettled(given);
      cancel();
    },
  };
}

/** Rules that are compiled anew for each call are the same rules. With other bursts they are not, since they allow something else. */
function nameOf({ id, rules }: RuleSet): string {
  return `${id} ${rules.map(({ burst }) => burst)}`;
}

/** The store's figures as they are by now, less what is left here: as if it had never been taken. */
function figures({ rules }: RuleSet, { used, usedAt: at, left }: Holding, time: number): number[] {
  return rules.map((rule, index) => {
    const units = usedAt(rule, used[index] ?? 0, Math.floor(at), Math.floor(time));
    return Math.max(0, units - left * rule.tokenUnits);
  });
}

/** The longest wait of the rules that have too little left. */
function waitOf({ rules }: RuleSet, { used }: StoreReading, cost: number): number {
  return Math.max(...rules.map((rule, index) => waitFor(rule, used[index] ?? 0, cost)));
}
