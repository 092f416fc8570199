import { serverUrl, startFaultProxy, startRedisCluster } from "@holdfast/testing";
import { Cluster, Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { redisTokenStore } from "../src/stores/redis.ts";
import { newPrefix } from "./redis-clients.ts";
import { setUp } from "./support.ts";

const redis = new Redis(serverUrl("redis"));
afterAll(() => redis.quit());

const { POSITIVE_INFINITY } = Number;

/** How long it may have taken to get here, on a machine that has other things to do. */
function stopwatch(): () => number {
  const startedAt = performance.now();
  return () => performance.now() - startedAt;
}

function newStore(client: Redis = redis) {
  const prefix = newPrefix();
  return { prefix, store: redisTokenStore({ client, prefix }) };
}

describe("the Redis store", () => {
  it("keeps a mark as long as it was told, and not for ever", async () => {
    const { prefix, store } = newStore();
    const passedMs = stopwatch();
    await store.mark("a", 60_000);
    await store.mark("a", 1);
    const left = await redis.pttl(`${prefix}used:a`);
    expect(left).toBeGreaterThan(59_999 - passedMs());
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it("keeps a revocation as long as the longer of those that were asked for", async () => {
    const { prefix, store } = newStore();
    const key = `${prefix}{revoked}:a`;
    const passedMs = stopwatch();
    await store.revoke("a", 1_800_000_000_123, 60_000);
    await store.revoke("a", 1_800_000_000_122, 1000);
    expect(await redis.pttl(key)).toBeGreaterThan(59_999 - passedMs());
    await store.revoke("a", 1, 600_000);
    expect(await redis.pttl(key)).toBeGreaterThan(599_999 - passedMs());
    expect(await redis.get(key)).toBe("1800000000123");
    await store.revoke("a", 1, POSITIVE_INFINITY);
    await store.revoke("a", 1, 1000);
    expect(await redis.pttl(key)).toBe(-1);
  });

  it("says what it said where the client repeats a call whose answer was lost", async () => {
    const { prefix, store } = newStore();
    let arguments_: string[] = [];
    const spy = {
      pipeline: () => undefined,
      eval: (text: string, count: number, ...rest: string[]) => redis.eval(text, count, ...rest),
      evalsha: (sha: string, count: number, ...rest: string[]) => {
        arguments_ = [sha, String(count), ...rest];
        return redis.evalsha(sha, count, ...rest);
      },
    };
    expect(await redisTokenStore({ client: spy, prefix }).mark("a", 60_000)).toBe(true);
    const [sha = "", , ...rest] = arguments_;
    expect(await redis.evalsha(sha, 1, ...rest)).toBe(1);
    expect(await store.mark("a", 60_000)).toBe(false);
  });

  it("takes what somebody else wrote in the place of a revocation for one of everything", async () => {
    const { prefix, store } = newStore();
    await redis.set(`${prefix}{revoked}:a`, "-1");
    expect(await store.revocations(["a"])).toEqual([POSITIVE_INFINITY]);
  });

  it("refuses a client that is none", () => {
    for (const client of [{}, undefined, { evalsha() {} }] as never[]) {
      expect(() => redisTokenStore({ client })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    }
  });

  it("works in a cluster", async () => {
    await using server = await startRedisCluster();
    const client = new Cluster([server.url]);
    const store = redisTokenStore({ client });
    const marks = await Promise.all(Array.from({ length: 100 }, (_, index) => store.mark(`m${index}`, 60_000)));
    expect(marks.every(Boolean)).toBe(true);
    await store.revoke("b", 2000, 60_000);
    expect(await store.revocations(["a", "b", "c", "d"])).toEqual([undefined, 2000, undefined, undefined]);
    client.disconnect();
  });
});

describe("with the Redis store, one-time tokens", () => {
  it("are good once, over several instances at once", async () => {
    const prefix = newPrefix();
    const instances = Array.from({ length: 4 }, () => setUp({ once: redisTokenStore({ client: redis, prefix }) }));
    for (let round = 0; round < 20; round++) {
      const token = (await instances[0]?.issue()) ?? "";
      const outcomes = await Promise.all(instances.flatMap(({ outcome }) => [outcome(token), outcome(token)]));
      expect(outcomes.filter((one) => one === "accepted")).toHaveLength(1);
    }
  });

  it("are refused while Redis can't be reached, and good again after it", async () => {
    const { hostname, port } = new URL(serverUrl("redis"));
    await using proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const client = new Redis(proxy.port, proxy.host, {
      retryStrategy: () => 20,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    client.on("error", () => {});
    await new Promise((resolve) => client.once("ready", resolve));
    const { issue, outcome } = setUp({ once: redisTokenStore({ client, prefix: newPrefix() }) });
    const [before, during, after] = [await issue(), await issue(), await issue()];
    expect(await outcome(before)).toBe("accepted");
    proxy.cut();
    expect(await outcome(during)).toBe("unavailable");
    const ready = new Promise((resolve) => client.once("ready", resolve));
    await proxy.heal();
    await ready;
    expect(await outcome(after)).toBe("accepted");
    expect(await outcome(before)).toBe("used");
    client.disconnect();
  });
});
