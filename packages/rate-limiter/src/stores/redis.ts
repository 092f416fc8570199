// Buckets in Redis, shared by every instance that asks it: one hash a subject, decided by scripts, on Redis' own clock.

import { type Clock, unlessAborted } from "@holdfast/core";
import type { RedisClient } from "@holdfast/core/redis";
import type { RuleSet } from "../rule.ts";
import type { LeasingStore, StoreCallOptions, StoreReading } from "../store.ts";
import { leaseText } from "./lease-request.ts";
import { type Act, block, consume, lease, peek, refund, reset, unblock } from "./redis-acts.ts";
import { batches, type CallOnLane, type Lane } from "./redis-batch.ts";
import { scriptRunner } from "./redis-client.ts";
import { subjectName, subjectStart } from "./redis-key.ts";
import { type ScriptShelf, scriptShelf } from "./redis-scripts.ts";

export type { RedisClient } from "@holdfast/core/redis";

export interface RedisStoreOptions {
  /**
   * A client of ioredis or of redis (node-redis), version 5 or later: of one server, a cluster, or behind Sentinel. It stays the
   * caller's, who connects it, listens to its errors and closes it. Whether calls wait while it is disconnected is a matter of its
   * options too, and they do by default: give calls a deadline by `signal`.
   */
  readonly client: RedisClient;
  /** What the store's keys begin with. Default `holdfast:rl:`. */
  readonly prefix?: string | undefined;
  /**
   * For hosts that refuse `TIME` in scripts: the time by this clock, such as core's `systemClock`. Weaker, since the clocks of
   * all instances must agree: one that is ahead refills for all. Default: Redis' own time.
   */
  readonly time?: Pick<Clock, "now"> | undefined;
}

// A script takes a tenth less time if the figures stand in its text. Redis keeps each that it has seen, so there must not be one
// for each of a thousand customers' plans.
const MOST_WITH_FIGURES = 50;

/**
 * A store in Redis 5 or later, in Valkey, or in what else runs their scripts.
 *
 * - A call leaves at once. Those made while others are on their way share a round trip, except in a cluster, where each goes to its
 *   key's node.
 * - A key's state lives as long as Redis keeps it. Replication is asynchronous, so a failover may give back what the replica had not
 *   been told, and a restart without persistence gives back everything: at most one burst of each key, each time.
 * - A key expires soon after its buckets are full again: seconds after, and a quarter of the time that they took. Redis with an
 *   eviction policy may drop others too when its memory is full; under `noeviction` it keeps them, and calls reject.
 * - A client that repeats commands after a lost connection may take a cost twice.
 * - Calls reject with `FOREIGN_STATE` where a key holds something that this store has not written, and leave it as it is.
 *
 * @example
 * const limiter = createRateLimiter({ rules: "60/minute", store: redisStore({ client: new Redis() }) });
 *
 * @throws RateLimiterError `INVALID_OPTION`: a client that is neither
 */
export function redisStore({ client, prefix = "holdfast:rl:", time }: RedisStoreOptions): LeasingStore {
  const { ask, askMany } = batches(scriptRunner(client), time && (() => String(Math.floor(time.now()))));
  const known = new WeakMap<RuleSet, PreparedRules>();
  const scripts = scriptShelf();
  let ruleSets = 0;

  function prepared(rules: RuleSet): PreparedRules {
    let found = known.get(rules);
    if (!found) {
      const hasFigures = ++ruleSets <= MOST_WITH_FIGURES;
      const laneOf = lanes(scripts, rules, time !== undefined, hasFigures);
      found = { keyStart: subjectStart(prefix, rules.id), laneOf };
      known.set(rules, found);
    }
    return found;
  }

  function callOn(rules: RuleSet, act: Act, key: string, amount: number | string): CallOnLane {
    const { keyStart, laneOf } = prepared(rules);
    return { lane: laneOf(act), key: subjectName(keyStart, key), amount: String(amount) };
  }

  function send(
    act: Act,
    rules: RuleSet,
    key: string,
    amount: number | string,
    call: StoreCallOptions | undefined,
  ): Promise<StoreReading> {
    const signal = call?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return unlessAborted(ask(callOn(rules, act, key, amount)), signal);
  }

  return {
    consume: (rules, key, cost, call) => send(consume, rules, key, cost, call),
    async consumeMany(calls, call) {
      call?.signal?.throwIfAborted();
      const readings = askMany(calls.map(({ rules, key, cost }) => callOn(rules, consume, key, cost)));
      return unlessAborted(readings, call?.signal);
    },
    peek: (rules, key, call) => send(peek, rules, key, 0, call),
    async refund(rules, key, cost, call) {
      await send(refund, rules, key, cost, call);
    },
    async reset(rules, key, call) {
      await send(reset, rules, key, 0, call);
    },
    async block(rules, key, blockMs, call) {
      await send(block, rules, key, blockMs, call);
    },
    async unblock(rules, key, call) {
      await send(unblock, rules, key, 0, call);
    },
    async lease(rules, key, request, call) {
      const reading = await send(lease, rules, key, leaseText(request), call);
      // Where nothing is refused, the reply has what was lent in the place of a block.
      return reading.outcome === "passed"
        ? { ...reading, blockedMs: 0, lent: reading.blockedMs }
        : { ...reading, lent: 0 };
    },
    async close() {},
  };
}

interface PreparedRules {
  readonly keyStart: string;
  readonly laneOf: (act: Act) => Lane;
}

/** Makes lanes as they are asked for. The scripts of the rarer acts have no figures in their texts. */
function lanes(
  scriptFor: ScriptShelf,
  { rules, penalty }: RuleSet,
  isCallersTime: boolean,
  hasFigures: boolean,
): (act: Act) => Lane {
  const numbers: (number | string)[] = [];
  for (const { refillUnits, tokenUnits, capacityUnits } of rules) numbers.push(refillUnits, tokenUnits, capacityUnits);
  if (penalty) {
    const { limit, windowMs, refillUnits, tokenUnits, capacityUnits } = penalty.strikes;
    numbers.push(`${limit}/${windowMs}`, refillUnits, tokenUnits, capacityUnits, penalty.blockMs);
  }
  const figures = numbers.map(String);
  const shape = { rules: rules.length, hasPenalty: penalty !== undefined, isCallersTime };
  const made = new Map<Act, Lane>();
  return (act) => {
    let lane = made.get(act);
    if (!lane) {
      const isInText = hasFigures && act === consume;
      const script = scriptFor(act, isInText ? { ...shape, figures } : shape);
      lane = { script, rules: rules.length, figures: isInText ? [] : figures, gathered: undefined };
      made.set(act, lane);
    }
    return lane;
  };
}
