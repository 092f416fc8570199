import { serverUrl } from "@holdfast/testing";
import * as fc from "fast-check";
import { Redis } from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileRules, type RuleSet } from "../src/rule.ts";
import type { RateLimitStore } from "../src/store.ts";
import { redisStore } from "../src/stores/redis.ts";
import { usedAt } from "../src/token-bucket.ts";
import { anyRules } from "./arbitraries.ts";
import { asInputs } from "./model.ts";
import { connectors, newPrefix } from "./redis-clients.ts";
import { keptState } from "./redis-state.ts";

const redis = new Redis(serverUrl("redis"), { lazyConnect: true });
beforeAll(() => redis.connect());
afterAll(() => redis.quit());

const perHour = compileRules("default", ["2/hour"]);

/** The store's keys, and how they stand. */
async function keysOf(prefix: string): Promise<string[]> {
  return redis.keys(`${prefix}*`);
}

async function serverTime(): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

describe.each(connectors)("on a client of %s,", (_name, connect) => {
  test("calls go on over SCRIPT FLUSH as if nothing had been", async () => {
    await using connected = await connect(serverUrl("redis"));
    const store = redisStore({ client: connected.client, prefix: newPrefix() });
    const rules = compileRules("flush", ["100000/second"]);
    let flushing = true;
    const flushes = (async () => {
      for (let flush = 0; flush < 50; flush++) await redis.script("FLUSH");
      flushing = false;
    })();
    const outcomes = new Set<string>();
    const caller = async (key: string): Promise<void> => {
      while (flushing) outcomes.add((await store.consume(rules, key, 1)).outcome);
      for (const { outcome } of (await store.consumeMany?.([{ rules, key, cost: 1 }])) ?? []) outcomes.add(outcome);
    };
    await Promise.all([flushes, ...Array.from({ length: 16 }, (_, index) => caller(`k${index % 5}`))]);
    expect(outcomes).toEqual(new Set(["passed"]));
  });

  test("the client's own key prefix comes before the store's", async () => {
    const clientPrefix = newPrefix();
    await using connected = await connect(serverUrl("redis"), clientPrefix);
    const store = redisStore({ client: connected.client, prefix: "mine:" });
    await Promise.all(["a", "b", "a"].map((key) => store.consume(perHour, key, 1)));
    expect((await keysOf(clientPrefix)).sort()).toEqual([
      expect.stringMatching(/^\S{37}mine:.*:a}$/),
      expect.stringMatching(/^\S{37}mine:.*:b}$/),
    ]);
    expect((await store.consume(perHour, "a", 1)).outcome).toBe("refused");
  });

  test("a key that holds something foreign is told, and spoils no other call of its batch", async () => {
    await using connected = await connect(serverUrl("redis"));
    const prefix = newPrefix();
    const store = redisStore({ client: connected.client, prefix });
    await Promise.all(["text", "hash", "other"].map((key) => store.consume(perHour, key, 1)));
    const [hash, other, text] = (await keysOf(prefix)).sort();
    await redis.set(text!, "foreign");
    await redis.hset(hash!, { s: "foreign" });
    await redis.del(other!);
    await redis.hset(other!, { name: "foreign" });
    const keys = ["first", "a", "text", "hash", "other", "b"];
    const results = await Promise.allSettled(keys.map((key) => store.consume(perHour, key, 1)));
    const passed = { status: "fulfilled", value: { outcome: "passed" } };
    const foreign = {
      status: "rejected",
      reason: { code: "FOREIGN_STATE", message: expect.stringContaining("prefix") },
    };
    expect(results).toMatchObject([passed, passed, foreign, foreign, foreign, passed]);
    for (const key of ["text", "hash", "other"]) {
      await expect(store.consume(perHour, key, 1)).rejects.toMatchObject({ code: "FOREIGN_STATE" });
      await expect(store.reset(perHour, key)).rejects.toMatchObject({ code: "FOREIGN_STATE" });
      await expect(store.block(perHour, key, 1000)).rejects.toMatchObject({ code: "FOREIGN_STATE" });
    }
    expect(await redis.get(text!)).toBe("foreign");
    expect(await redis.hgetall(hash!)).toEqual({ s: "foreign" });
    expect(await redis.hgetall(other!)).toEqual({ name: "foreign" });
    expect(await redis.ttl(other!)).toBe(-1);
  });
});

describe("expiry:", () => {
  interface Action {
    readonly elapsed: number;
    readonly key: string;
    readonly cost: number;
    readonly verb: "consume" | "refund" | "reset" | "block" | "unblock" | "peek";
  }

  const anyActions: fc.Arbitrary<Action[]> = fc.array(
    fc.record({
      elapsed: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000 })),
      key: fc.constantFrom("a", "b"),
      cost: fc.integer({ min: 0, max: 40 }),
      verb: fc.oneof(
        { weight: 5, arbitrary: fc.constant("consume" as const) },
        { weight: 2, arbitrary: fc.constantFrom("refund", "reset", "block", "unblock", "peek") },
      ),
    }),
    { minLength: 1, maxLength: 15 },
  );

  function act(store: RateLimitStore, rules: RuleSet, { verb, key, cost }: Action): Promise<unknown> {
    if (verb === "consume") return store.consume(rules, key, Math.min(cost, rules.smallestBurst));
    if (verb === "refund") return store.refund(rules, key, cost);
    if (verb === "block") return store.block(rules, key, 1 + cost * 100);
    return store[verb](rules, key);
  }

  /** Each key expires, and not before it is as good as one that never was. */
  async function expectLossless(prefix: string, { rules, penalty }: RuleSet, now: number): Promise<void> {
    for (const key of await keysOf(prefix)) {
      const [state, ttl] = await Promise.all([keptState(redis, key), redis.pttl(key)]);
      const end = now + ttl;
      expect(ttl).toBeGreaterThan(0);
      const left = rules.map((rule, index) => usedAt(rule, state.used[index] ?? Number.NaN, state.at, end));
      expect([...left, Math.max(0, state.blockedUntil - end)]).toEqual([...rules.map(() => 0), 0]);
      if (!penalty) continue;
      const strikes = state.strikes(`${penalty.strikes.limit}/${penalty.strikes.windowMs}`);
      expect(usedAt(penalty.strikes, strikes.used, strikes.at, end)).toBe(0);
    }
  }

  const anyPenalty = fc.option(
    fc.record({
      refusals: fc.integer({ min: 1, max: 4 }),
      within: fc.integer({ min: 1, max: 100_000 }),
      block: fc.integer({ min: 1, max: 9000 }),
    }),
    { nil: undefined },
  );

  test.each(["its own", "the caller's"])(
    "by %s time, every key lasts as long as its state matters, and no key for ever",
    async (whose) => {
      await fc.assert(
        fc.asyncProperty(anyRules, anyPenalty, anyActions, async (inputs, penalty, actions) => {
          const prefix = newPrefix();
          let now = 1_000_000;
          const time = whose === "its own" ? undefined : { now: () => now };
          const store = redisStore({ client: redis, prefix, time });
          const rules = compileRules("expiry", asInputs(inputs), penalty);
          for (const action of actions) {
            now += action.elapsed;
            await act(store, rules, action);
            await expectLossless(prefix, rules, time ? now : await serverTime());
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  test("a limiter without a penalty does not let another's strikes expire", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    const inputs = [{ limit: 1, window: 10 }];
    const strict = compileRules("shared", inputs, { refusals: 2, within: "1h", block: "1h" });
    await store.consume(strict, "k", 1);
    while ((await store.consume(strict, "k", 1)).outcome !== "refused");
    const [key] = await keysOf(prefix);
    const before = await redis.pttl(key!);
    while ((await store.consume(compileRules("shared", inputs), "k", 1)).outcome !== "passed");
    expect(await redis.pttl(key!)).toBeGreaterThan(before - 1000);
  });

  test("a caller's clock that stepped back makes the key last as much longer", async () => {
    const prefix = newPrefix();
    let now = 10_000_000;
    const store = redisStore({ client: redis, prefix, time: { now: () => now } });
    await store.consume(perHour, "k", 2);
    now -= 5_000_000;
    await store.refund(perHour, "k", 1);
    await expectLossless(prefix, perHour, now);
  });

  test("a key goes soon after its buckets are full: a quarter of their time later, and seconds", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    await store.consume(compileRules("short", ["10/minute"]), "k", 10);
    const [key] = await keysOf(prefix);
    const ttl = await redis.pttl(key!);
    expect(ttl).toBeGreaterThan(75_000);
    expect(ttl).toBeLessThanOrEqual(77_000);
  });

  test("a refusal writes nothing", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    await store.consume(perHour, "k", 2);
    const [key] = await keysOf(prefix);
    const before = await redis.dumpBuffer(key!);
    expect((await store.consume(perHour, "k", 1)).outcome).toBe("refused");
    await store.peek(perHour, "never seen");
    expect(await redis.dumpBuffer(key!)).toEqual(before);
    expect(await keysOf(prefix)).toEqual([key]);
  });
});

describe("keys", () => {
  test("of a megabyte stay apart and take no megabyte", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    const long = "k".repeat(2 ** 20);
    for (const key of [long, `${long.slice(1)}K`]) {
      expect((await store.consume(perHour, key, 2)).outcome).toBe("passed");
      expect((await store.consume(perHour, key, 1)).outcome).toBe("refused");
    }
    for (const key of await keysOf(prefix)) expect(await redis.memory("USAGE", key)).toBeLessThan(400);
  });

  test("look in Redis as they are, in one slot of a cluster for each subject", async () => {
    const prefix = newPrefix();
    await redisStore({ client: redis, prefix }).consume(perHour, "user 7", 1);
    expect(await keysOf(prefix)).toEqual([`${prefix}v1:{${perHour.id.length}:${perHour.id}:user 7}`]);
  });
});

test("strikes are counted apart for each penalty's units, over the same buckets", async () => {
  const store = redisStore({ client: redis, prefix: newPrefix() });
  const [three, two] = [3, 2].map((refusals) =>
    compileRules("units", ["1/hour"], { refusals, within: "1h", block: "1h" }),
  );
  await store.consume(three!, "k", 1);
  const outcomes: string[] = [];
  for (const rules of [three!, three!, two!, three!]) outcomes.push((await store.consume(rules, "k", 1)).outcome);
  expect(outcomes).toEqual(["refused", "refused", "refused", "blocked"]);
});

describe("time is the server's own:", () => {
  /** Consumes a token, and tells the key that it is kept under. */
  async function consumed(store: RateLimitStore, prefix: string, rules: RuleSet): Promise<string> {
    await store.consume(rules, "k", 1);
    return (await keysOf(prefix))[0]!;
  }

  test("a call is decided as of the moment at which the server gets it, alone or with others", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    const many = (): unknown => store.consumeMany?.(["k", "k"].map((key) => ({ rules: perHour, key, cost: 0 })));
    for (const call of [() => consumed(store, prefix, perHour), () => store.consume(perHour, "k", 1), many]) {
      const before = await serverTime();
      await call();
      const { at } = await keptState(redis, (await keysOf(prefix))[0]!);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(await serverTime());
    }
  });

  test("an expiry that somebody took away is set again", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    const key = await consumed(store, prefix, perHour);
    const ttl = await redis.pttl(key);
    await redis.persist(key);
    expect((await store.consume(perHour, "k", 1)).outcome).toBe("passed");
    expect(await redis.pttl(key)).toBeGreaterThan(ttl - 10_000);
  });

  test("a block outlasts an expiry that somebody took away", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    await store.block(perHour, "k", 3_600_000);
    const [key] = await keysOf(prefix);
    await redis.persist(key!);
    expect((await store.peek(perHour, "k")).blockedMs).toBeGreaterThan(3_500_000);
  });

  test("an expiry that somebody put off stops no refill", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: redis, prefix });
    const rules = compileRules("put-off", [{ limit: 1, window: 100 }]);
    const key = await consumed(store, prefix, rules);
    await redis.expire(key, 86_400);
    while ((await store.consume(rules, "k", 1)).outcome !== "passed");
    expect(await redis.ttl(key)).toBeLessThan(60);
  });
});

test("what Redis refuses for another reason is told in its own words", async () => {
  await redis.acl("SETUSER", "limited", "on", "nopass", "~*", "+@all", "-hget");
  const limited = new Redis(serverUrl("redis"), { username: "limited", password: "any" });
  const store = redisStore({ client: limited, prefix: newPrefix() });
  await expect(store.consume(perHour, "k", 1)).rejects.toMatchObject({ name: "ReplyError" });
  limited.disconnect();
});

test("numbers may be given as strings by the client", async () => {
  const ioredis = new Redis(serverUrl("redis"), { stringNumbers: true });
  const nodeRedis = createClient({ url: serverUrl("redis") }).withTypeMapping({ [RESP_TYPES.NUMBER]: String });
  await nodeRedis.connect();
  for (const client of [ioredis, nodeRedis]) {
    const store = redisStore({ client, prefix: newPrefix() });
    const { used } = await store.consume(perHour, "k", 1);
    expect(used).toEqual([1_800_000]);
  }
  ioredis.disconnect();
  nodeRedis.destroy();
});
