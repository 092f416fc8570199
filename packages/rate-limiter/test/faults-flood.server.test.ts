import { startRedis } from "@holdfast/testing";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { createRateLimiter, type StoreEvent } from "../src/index.ts";
import { compileRules } from "../src/rule.ts";
import { redisStore } from "../src/stores/redis.ts";

it("a flood that fills Redis' memory frees nobody who was blocked or refused, and becomes no exception", async () => {
  await using server = await startRedis({ settings: { maxmemory: "4mb", "maxmemory-policy": "noeviction" } });
  const client = new Redis(server.url);
  const store = redisStore({ client });
  const rules = compileRules("flood", ["5/day"]);
  await store.consume(rules, "refused", 5);
  await store.block(rules, "blocked", 3_600_000);

  const flood = async (): Promise<never> => {
    for (let key = 0; ; key += 500) {
      await store.consumeMany?.(Array.from({ length: 500 }, (_, index) => ({ rules, key: `${key + index}`, cost: 1 })));
    }
  };
  await expect(flood()).rejects.toThrow("OOM");

  expect((await store.consume(rules, "refused", 1)).outcome).toBe("refused");
  expect((await store.consume(rules, "blocked", 1)).outcome).toBe("blocked");
  const events: string[] = [];
  const on = { store: ({ state }: StoreEvent) => events.push(state) };
  await using limiter = createRateLimiter({ name: "flood", rules: "1000/day", store, on });
  expect(await limiter.consume("newcomer")).toMatchObject({ outcome: "degraded", reason: "error", allowed: true });
  // Through several probes: that it can still be read does not make it well.
  for (const end = performance.now() + 400; performance.now() < end; await new Promise(setImmediate)) {
    expect((await limiter.consume("newcomer")).outcome).toBe("degraded");
  }
  expect(events).toEqual(["down"]);
  client.disconnect();
});
