import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { serverUrl, startFaultProxy, startRedis, startRedisReplica } from "@holdfast/testing";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import { describe, expect, test } from "vitest";
import { compileRules } from "../src/rule.ts";
import type { RateLimitStore } from "../src/store.ts";
import { type RedisClient, redisStore } from "../src/stores/redis.ts";
import { connectors, newPrefix } from "./redis-clients.ts";
import { MASTER_NAME, startSentinel } from "./redis-sentinel.ts";
import { keptState } from "./redis-state.ts";

const hourly = compileRules("default", [{ limit: 1000, window: "1h" }]);
const names = connectors.map(([name]) => name);

test("processes under full load, on either client, pass together exactly what burst and refill allow", async () => {
  const prefix = newPrefix();
  const rule = { limit: 2000, window: 1000, burst: 50_000 };
  const rules = compileRules("load", [rule]);
  const redis = new Redis(serverUrl("redis"));
  const stateOf = async (): Promise<{ at: number; used: number }> => {
    const [key] = await redis.keys(`${prefix}*`);
    const { at, used } = await keptState(redis, key!);
    return { at, used: used[0]! };
  };
  // From an empty bucket on, one that is not full again before the processes are there: a full one loses refill.
  await redisStore({ client: redis, prefix }).consume(rules, "k", rule.burst);
  const before = await stateOf();
  const child = join(import.meta.dirname, "children/redis-consumer.ts");
  const passes = await Promise.all(
    names.map(async (library) => {
      const args = [child, serverUrl("redis"), library, prefix, JSON.stringify(rule), "1000"];
      return Number((await promisify(execFile)(process.execPath, args)).stdout);
    }),
  );
  const after = await stateOf();
  redis.disconnect();
  expect(Math.min(...passes)).toBeGreaterThan(0);
  const { refillUnits, tokenUnits, capacityUnits } = rules.rules[0]!;
  const taken = passes.reduce((sum, passed) => sum + passed, 0) * tokenUnits;
  const allowed = capacityUnits - before.used + (after.at - before.at) * refillUnits;
  expect(taken).toBe(allowed - (capacityUnits - after.used));
});

test("two processes with leases pass no more than the rule allows, and most of it", async () => {
  const rule = { limit: 20_000, window: 1000, burst: 2000 };
  const prefix = newPrefix();
  const child = join(import.meta.dirname, "children/redis-consumer.ts");
  const started = performance.now();
  const passes = await Promise.all(
    names.map(async (library) => {
      const args = [child, serverUrl("redis"), library, prefix, JSON.stringify(rule), "1500", "100"];
      return Number((await promisify(execFile)(process.execPath, args)).stdout);
    }),
  );
  const elapsedMs = performance.now() - started;
  const passed = passes.reduce((sum, one) => sum + one, 0);
  expect(Math.min(...passes)).toBeGreaterThan(0);
  expect(passed).toBeLessThanOrEqual(rule.burst + (rule.limit / rule.window) * elapsedMs);
  // Each runs for 1.5 s; what leases leave unused is at most 200 tokens every 200 ms.
  expect(passed).toBeGreaterThan((rule.limit / rule.window) * 1500 * 0.5);
});

/** Consumes until told to stop, and counts how its calls ended. */
function load(store: RateLimitStore, deadlineMs: number) {
  const counts = { passed: 0, rejected: 0 };
  let running = true;
  const caller = async (key: string): Promise<void> => {
    while (running) {
      try {
        await store.consume(hourly, key, 0, { signal: AbortSignal.timeout(deadlineMs) });
        counts.passed++;
      } catch {
        counts.rejected++;
        await new Promise(setImmediate);
      }
    }
  };
  const callers = Promise.all(Array.from({ length: 16 }, (_, index) => caller(`k${index}`)));
  return {
    counts,
    async stop() {
      running = false;
      await callers;
    },
  };
}

async function passesAgain(counts: { readonly passed: number }): Promise<number> {
  const { passed } = counts;
  const start = performance.now();
  while (counts.passed === passed) await new Promise(setImmediate);
  return performance.now() - start;
}

describe.each(connectors)("on a client of %s,", (_name, connect) => {
  test("calls pass again within a second of a crash and restart, and none hangs", async () => {
    await using server = await startRedis();
    await using connected = await connect(server.url);
    const { counts, stop } = load(redisStore({ client: connected.client }), 250);
    await passesAgain(counts);
    await server.kill();
    await server.restart();
    expect(await passesAgain(counts)).toBeLessThan(1000);
    await stop();
  });

  test("a server that takes seconds is waited for no longer than the signal says, and no listener stays", async () => {
    await using server = await startFaultProxy({ port: Number(new URL(serverUrl("redis")).port) });
    await using connected = await connect(`redis://${server.host}:${server.port}`);
    const store = redisStore({ client: connected.client, prefix: newPrefix() });
    const idle = new AbortController().signal;
    await store.consume(hourly, "k", 1, { signal: idle });
    expect(getEventListeners(idle, "abort")).toHaveLength(0);
    server.delay(2000);
    const start = performance.now();
    const signal = AbortSignal.timeout(100);
    const reason = { name: "TimeoutError" };
    const calls = [
      store.consume(hourly, "k", 1, { signal }),
      store.peek(hourly, "k", { signal }),
      store.consumeMany?.([{ rules: hourly, key: "k", cost: 1 }], { signal }),
    ];
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(reason)));
    expect(performance.now() - start).toBeLessThan(1000);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expect(store.consume(hourly, "k", 1, { signal })).rejects.toMatchObject(reason);
  });
});

test("a failover by Sentinel gives back at most a burst, to either client", async () => {
  await using master = await startRedis();
  await using replica = await startRedisReplica(master);
  await using sentinel = await startSentinel(master);
  const { host, port } = sentinel;
  const ioredis = new Redis({ sentinels: [{ host, port }], name: MASTER_NAME, sentinelRetryStrategy: () => 20 });
  const nodeRedis = createSentinel({ name: MASTER_NAME, sentinelRootNodes: [{ host, port }], scanInterval: 100 });
  for (const client of [ioredis, nodeRedis]) client.on("error", () => {});
  await nodeRedis.connect();
  const stores = [ioredis, nodeRedis].map((client: RedisClient) => redisStore({ client }));
  // A key for each store, so that neither takes what the other gets back.
  const passes = (): Promise<number[]> =>
    Promise.all(stores.map((store, index) => untilAnswered(() => countPasses(store, `k${index}`))));

  expect(await passes()).toEqual([1000, 1000]);
  await master.kill();
  for (const passed of await passes()) expect(passed).toBeLessThanOrEqual(1000);
  const promoted = new Redis(replica.url);
  expect(await promoted.role()).toContain("master");
  promoted.disconnect();
  ioredis.disconnect();
  await nodeRedis.destroy();
});

async function countPasses(store: RateLimitStore, key: string): Promise<number> {
  const calls = Array.from({ length: 1500 }, () => ({ rules: hourly, key, cost: 1 }));
  const readings = (await store.consumeMany?.(calls)) ?? [];
  return readings.filter(({ outcome }) => outcome === "passed").length;
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await new Promise(setImmediate);
    }
  }
}
