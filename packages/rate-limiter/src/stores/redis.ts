// Buckets in Redis, shared by every instance that asks it: one hash a subject, decided by scripts, on Redis' own clock.

import type { Clock } from "@holdfast/core";
import { RateLimiterError } from "../errors.ts";
import type { RuleSet } from "../rule.ts";
import type { LeaseRequest, LeasingStore, StoreCallOptions, StoreReading } from "../store.ts";
import { type BatchedRules, batched, batchedRules } from "./redis-batch.ts";
import { type RedisClient, scriptRunner } from "./redis-client.ts";
import { subjectName, subjectStart } from "./redis-key.ts";
import { BLOCK, CONSUME, LEASE, PEEK, REFUND, RESET, type RedisScript, UNBLOCK } from "./redis-scripts.ts";
import { unlessAborted } from "./unless-aborted.ts";

export type { RedisClient } from "./redis-client.ts";

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

/**
 * A store in Redis 5 or later, in Valkey, or in what else runs their scripts.
 *
 * - Calls that are made at the same time share a round trip, except in a cluster, where each goes to its key's node.
 * - A key's state lives as long as Redis keeps it. Replication is asynchronous, so a failover may give back what the replica had not
 *   been told, and a restart without persistence gives back everything: at most one burst of each key, each time.
 * - A key expires seconds after its buckets are full again. Redis with an eviction policy may drop others too when its memory is
 *   full; under `noeviction` it keeps them, and calls reject.
 * - A client that repeats commands after a lost connection may take a cost twice.
 *
 * @example
 * const limiter = createRateLimiter({ rules: "60/minute", store: redisStore({ client: new Redis() }) });
 *
 * @throws RateLimiterError `INVALID_OPTION`: a client that is neither. Calls reject with it where a key holds something foreign.
 */
export function redisStore({ client, prefix = "holdfast:rl:", time }: RedisStoreOptions): LeasingStore {
  const askRedis = batched(scriptRunner(client), () => (time ? String(Math.floor(time.now())) : ""));
  const known = new WeakMap<RuleSet, PreparedRules>();

  function prepared(rules: RuleSet): PreparedRules {
    const found = known.get(rules);
    if (found) return found;
    const made = { keyStart: subjectStart(prefix, rules.id), batch: batchedRules(rules) };
    known.set(rules, made);
    return made;
  }

  function send(script: RedisScript, rules: RuleSet, key: string, amount: number | string): Promise<StoreReading> {
    const { keyStart, batch } = prepared(rules);
    return askRedis(script, batch, subjectName(keyStart, key), amount);
  }

  async function ask(
    script: RedisScript,
    rules: RuleSet,
    key: string,
    amount: number | string,
    call: StoreCallOptions | undefined,
  ): Promise<StoreReading> {
    call?.signal?.throwIfAborted();
    return unlessAborted(send(script, rules, key, amount), call?.signal);
  }

  return {
    consume: (rules, key, cost, call) => ask(CONSUME, rules, key, cost, call),
    async consumeMany(calls, call) {
      call?.signal?.throwIfAborted();
      const readings = Promise.all(calls.map(({ rules, key, cost }) => send(CONSUME, rules, key, cost)));
      return unlessAborted(readings, call?.signal);
    },
    peek: (rules, key, call) => ask(PEEK, rules, key, 0, call),
    async refund(rules, key, cost, call) {
      await ask(REFUND, rules, key, cost, call);
    },
    async reset(rules, key, call) {
      await ask(RESET, rules, key, 0, call);
    },
    async block(rules, key, blockMs, call) {
      await ask(BLOCK, rules, key, blockMs, call);
    },
    async unblock(rules, key, call) {
      await ask(UNBLOCK, rules, key, 0, call);
    },
    async lease(rules, key, request, call) {
      const reading = await ask(LEASE, rules, key, leaseAmount(request), call);
      // Where nothing is refused, the reply has what was lent in the place of a block.
      return reading.outcome === "passed"
        ? { ...reading, blockedMs: 0, lent: reading.blockedMs }
        : { ...reading, lent: 0 };
    },
    async close() {},
  };
}

/** @throws RateLimiterError `INVALID_OPTION` */
function leaseAmount({ id, tokens, least, ttlMs, returned = { id: "-", unspent: 0 } }: LeaseRequest): string {
  const text = [id, tokens, least, ttlMs, returned.id, returned.unspent].join(" ");
  if (/^[\w-]{1,64} \d{1,15} \d{1,15} \d{1,15} [\w-]{1,64} \d{1,15}$/.test(text)) return text;
  throw new RateLimiterError(
    "INVALID_OPTION",
    `a lease can't be ${JSON.stringify(text.slice(0, 200))}; give ids of A-Z, a-z, 0-9, _ and -, and whole numbers`,
  );
}

interface PreparedRules {
  readonly keyStart: string;
  readonly batch: BatchedRules;
}
