import { serverUrl, startRedis } from "@holdfast/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RedisClient, redisStore } from "../src/stores/redis.ts";
import { checkpointStoreContract } from "../src/testing.ts";

let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;
beforeAll(async () => {
  ioredis = new Redis(serverUrl("redis"));
  nodeRedis = createClient({ url: serverUrl("redis") });
  await nodeRedis.connect();
});
afterAll(async () => {
  ioredis.disconnect();
  await nodeRedis.close();
});

let made = 0;
const newPrefix = (): string => `test:{${process.pid}:${made++}}:`;

describe.each(["ioredis", "node-redis"])("the store in Redis through %s", (name) => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const [client, another]: RedisClient[] = name === "ioredis" ? [ioredis, nodeRedis] : [nodeRedis, ioredis];
        const prefix = newPrefix();
        if (!client || !another) throw new Error("there are two");
        return {
          store: redisStore({ client, prefix }),
          other: redisStore({ client: another, prefix }),
          close: async () => {},
        };
      }),
    );
  }
});

describe("the store in Redis", () => {
  it("sets no expiry on anything, and all of it lies in one slot", async () => {
    const prefix = newPrefix();
    const store = redisStore({ client: ioredis, prefix });
    await store.save("a", "1", { savedAt: 1, keep: 2 });
    await store.save("a", "2", { savedAt: 2, keep: 2 });
    await store.grant("b", "me", undefined);
    const keys = await ioredis.keys(`${prefix.replace(/[{}]/g, "[$&]")}*`);
    expect(keys).toHaveLength(4);
    for (const key of keys) expect(await ioredis.pttl(key)).toBe(-1);
    // By the first braces, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
    expect(new Set(keys.map((key) => /\{([^}]+)\}/.exec(key)?.[1])).size).toBe(1);
  });

  it("goes on after its scripts were flushed", async () => {
    const store = redisStore({ client: ioredis, prefix: newPrefix() });
    await store.save("a", "1", { savedAt: 1 });
    await ioredis.script("FLUSH");
    expect((await store.save("a", "2", { savedAt: 2, ifVersion: 1 })).ok).toBe(true);
  });

  it("outlives a kill of a server that syncs each save", async () => {
    await using server = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
    const client = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on("error", () => {});
    const store = redisStore({ client });
    for (let version = 1; version <= 50; version++) await store.save("a", `${version}`, { savedAt: version });
    await server.kill();
    await server.restart();
    expect(await store.read("a")).toMatchObject({ version: 50, data: "50" });
    client.disconnect();
  });

  it("is refused a prefix without a hash tag", () => {
    expect(() => redisStore({ client: ioredis, prefix: "app:" })).toThrow(/hash tag/);
  });

  it("says that Redis failed, and how", async () => {
    const prefix = newPrefix();
    await ioredis.set(`${prefix}k:a`, "somebody else's");
    const store = redisStore({ client: ioredis, prefix });
    for (const ask of [() => store.read("a"), () => store.save("a", "1", { savedAt: 1 }), () => store.versions("a")]) {
      await expect(ask()).rejects.toMatchObject({
        code: "STORE_FAILED",
        message: expect.stringContaining("WRONGTYPE"),
      });
    }
  });
});
