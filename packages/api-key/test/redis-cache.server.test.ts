import { setTimeout as wait } from "node:timers/promises";
import { createManualClock } from "@holdfast/core";
import { serverUrl, startFaultProxy } from "@holdfast/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createApiKeys, type KeyStore, memoryKeyStore } from "../src/index.ts";
import { type RedisCacheOptions, type RedisClient, withRedisCache } from "../src/stores/redis-cache.ts";
import { keyStoreContract } from "../src/testing.ts";
import { NOW } from "./support.ts";

let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;
const clients: Record<string, RedisClient> = {};

beforeAll(async () => {
  ioredis = new Redis(serverUrl("redis"));
  nodeRedis = createClient({ url: serverUrl("redis") });
  await nodeRedis.connect();
  Object.assign(clients, { ioredis, "node-redis": nodeRedis });
});
afterAll(async () => {
  ioredis.disconnect();
  await nodeRedis.close();
});

let made = 0;
const newPrefix = (): string => `test:${process.pid}:${made++}:`;

/** A store that counts what is asked of it, and can be held up. */
function counted(store: KeyStore): KeyStore & { finds: number; hold: Promise<void> | undefined } {
  const counting = {
    ...store,
    finds: 0,
    hold: undefined as Promise<void> | undefined,
    async find(id: string) {
      counting.finds++;
      const found = await store.find(id);
      await counting.hold;
      return found;
    },
  };
  delete (counting as { findSync?: unknown }).findSync;
  return counting;
}

/** Two instances of a service over one store and one Redis. */
function twoInstances(options: Partial<RedisCacheOptions> = {}) {
  const origin = counted(memoryKeyStore());
  const prefix = newPrefix();
  const [here, there] = [ioredis, nodeRedis].map((client) => {
    const store = withRedisCache(origin, { client, prefix, deadline: "5s", ...options });
    return createApiKeys({ store, prefix: "acme" });
  });
  if (!here || !there) throw new Error("there are two");
  const create = async () => (await here.create({ name: "n", owner: "o" })).text.reveal();
  return { origin, here, there, prefix, create };
}

const PATIENCE = { timeout: 10_000 };

/** A copy is put into Redis after the answer. */
async function settled(prefix: string): Promise<void> {
  await expect.poll(async () => (await ioredis.keys(`${prefix}*:e`)).length, PATIENCE).toBeGreaterThan(0);
}

describe.each(["ioredis", "node-redis"])("the cache in Redis through %s", (name) => {
  for (const [sentence, test] of Object.entries(keyStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const client = clients[name] as RedisClient;
        const store = withRedisCache(memoryKeyStore(), { client, prefix: newPrefix(), deadline: "5s" });
        return { store, close: () => store.close() };
      }),
    );
  }
});

describe("the cache in Redis", () => {
  it("asks the store once for many checks, on all instances", async () => {
    const { origin, here, there, prefix, create } = twoInstances();
    const text = await create();
    await here.verify(text);
    await settled(prefix);
    const before = origin.finds;
    for (let check = 0; check < 20; check++) {
      expect(await here.verify(text)).toMatchObject({ ok: true });
      expect(await there.verify(text)).toMatchObject({ ok: true });
    }
    expect(origin.finds).toBe(before);
  });

  it("knows at once, and everywhere, that a key was revoked", async () => {
    const { here, there, prefix, create } = twoInstances({ ttl: "5m" });
    for (let time = 0; time < 20; time++) {
      const text = await create();
      const verified = await there.verify(text);
      await settled(prefix);
      if (!verified.ok) throw new Error("a new key is good");
      await here.revoke(verified.key.id);
      expect(await there.verify(text)).toMatchObject({ ok: false, reason: "revoked" });
      expect(await here.verify(text)).toMatchObject({ ok: false, reason: "revoked" });
    }
  });

  it("does not let a load that is under way put a revoked key back", async () => {
    const { origin, here, there, create } = twoInstances({ ttl: "5m" });
    const text = await create();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    origin.hold = held;
    const late = there.verify(text);
    await expect.poll(() => origin.finds, PATIENCE).toBeGreaterThan(0);
    origin.hold = undefined;
    await here.revoke((await here.list())[0]?.id ?? "");
    letGo();
    // It was read before the revocation, so this one check may still pass. None after it does.
    await late;
    await wait(20);
    for (let check = 0; check < 5; check++) {
      expect(await there.verify(text)).toMatchObject({ ok: false, reason: "revoked" });
    }
  });

  it("forgets within its ttl what Redis could not be told of", async () => {
    const ttlMs = 300;
    const proxy = await startFaultProxy(serverAt(serverUrl("redis")));
    const cutOff = new Redis({
      host: proxy.host,
      port: proxy.port,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    cutOff.on("error", () => {});
    onTestFinished(async () => {
      cutOff.disconnect();
      await proxy.close();
    });
    const { origin, there, prefix, create } = twoInstances({ ttl: ttlMs });
    const here = createApiKeys({
      store: withRedisCache(origin, { client: cutOff, prefix, ttl: ttlMs, deadline: 50 }),
      prefix: "acme",
    });
    const text = await create();
    const verified = await there.verify(text);
    if (!verified.ok) throw new Error("a new key is good");
    await settled(prefix);
    await proxy.close();
    const revokedAt = performance.now();
    await here.revoke(verified.key.id);
    // When the last check began that was answered by the copy: how long an answer takes is this machine's affair.
    let [staleMs, askedMs] = [0, performance.now() - revokedAt];
    while ((await there.verify(text)).ok) {
      staleMs = askedMs;
      await wait(5);
      askedMs = performance.now() - revokedAt;
    }
    expect(staleMs).toBeLessThan(ttlMs + 100);
    expect(there.maxStaleMs).toBe(ttlMs);
  });

  it("keeps no copy longer than its key lives, and none of a key that does not exist for long", async () => {
    const { here, prefix } = twoInstances({ ttl: "5m", negativeTtl: "30s" });
    const { text } = await here.create({ name: "n", owner: "o", expiresIn: "1m" });
    await here.verify(text.reveal());
    await settled(prefix);
    const [copy = ""] = await ioredis.keys(`${prefix}*:e`);
    expect(await ioredis.pttl(copy)).toBeLessThanOrEqual(60_000);
    await ioredis.del(copy);
    const { text: unknown } = createApiKeys({ store: memoryKeyStore(), prefix: "acme" }).format.make("live");
    expect(await here.verify(unknown)).toMatchObject({ ok: false, reason: "unknown" });
    await settled(prefix);
    const [nothing = ""] = await ioredis.keys(`${prefix}*:e`);
    expect(await ioredis.get(nothing)).toBe("-");
    expect(await ioredis.pttl(nothing)).toBeLessThanOrEqual(30_000);
  });

  it("sees a new key at once, though it was asked for before", async () => {
    const { here, there, prefix } = twoInstances({ negativeTtl: "5m", ttl: "5m" });
    expect(await there.find("AAAAAAAAAAAA")).toBeUndefined();
    await settled(prefix);
    const store = withRedisCache(memoryKeyStore(), { client: ioredis, prefix, deadline: "5s" });
    await store.add([{ ...(await recordOf(here)), id: "AAAAAAAAAAAA" }]);
    expect(await ioredis.keys(`${prefix}*AAAAAAAAAAAA*:e`)).toEqual([]);
  });

  it("costs one check its deadline where Redis hangs, and the next ones nothing", async () => {
    const origin = counted(memoryKeyStore());
    let asked = 0;
    const hanging = { evalsha: () => hang(), eval: () => hang(), pipeline: () => {} } as unknown as RedisClient;
    const hang = (): Promise<never> => {
      asked++;
      return new Promise(() => {});
    };
    const clock = createManualClock(NOW);
    const store = withRedisCache(origin, { client: hanging, deadline: 50, clock });
    const keys = createApiKeys({ store, prefix: "acme", clock });
    const making = keys.create({ name: "n", owner: "o" });
    await clock.advanceAsync(50);
    const { text } = await making;
    await clock.advanceAsync(1000);
    asked = 0;
    let isAnswered = false;
    const first = keys.verify(text.reveal()).finally(() => {
      isAnswered = true;
    });
    await clock.advanceAsync(49);
    expect(isAnswered).toBe(false);
    await clock.advanceAsync(1);
    expect(await first).toMatchObject({ ok: true });
    for (let check = 0; check < 100; check++) expect(await keys.verify(text.reveal())).toMatchObject({ ok: true });
    expect(asked).toBe(1);
    await clock.advanceAsync(1000);
    const next = keys.verify(text.reveal());
    await clock.advanceAsync(50);
    expect(await next).toMatchObject({ ok: true });
    expect(asked).toBe(2);
  });

  it("takes what another version wrote, or anybody else, for no copy", async () => {
    const { here, prefix, create } = twoInstances();
    const text = await create();
    await here.verify(text);
    await settled(prefix);
    const [copy = ""] = await ioredis.keys(`${prefix}*:e`);
    for (const foreign of ["[2,{}]", "{}", "null", "not JSON", ""]) {
      await ioredis.set(copy, foreign);
      expect(await here.verify(text), foreign).toMatchObject({ ok: true });
    }
  });

  it.each([{ ttl: 0 }, { ttl: "6m" }, { deadline: 0 }, { negativeTtl: "1h" }])("refuses %j", (options) => {
    expect(() => withRedisCache(memoryKeyStore(), { client: ioredis, ...options })).toThrow(/give a duration/);
  });
});

function serverAt(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

async function recordOf(keys: ReturnType<typeof createApiKeys>) {
  const store = memoryKeyStore();
  const { key } = await createApiKeys({ store, prefix: keys.format.prefix }).create({ name: "n", owner: "o" });
  const record = await store.find(key.id);
  if (!record) throw new Error("it was just made");
  return record;
}
