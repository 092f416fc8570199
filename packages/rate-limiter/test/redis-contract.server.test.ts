import { randomUUID } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, it } from "vitest";
import { redisStore } from "../src/stores/redis.ts";
import { rateLimitStoreContract } from "../src/testing.ts";

const ioredis = new Redis(serverUrl("redis"), { lazyConnect: true });
const nodeRedis = createClient({ url: serverUrl("redis") });
beforeAll(() => Promise.all([ioredis.connect(), nodeRedis.connect()]));
afterAll(() => Promise.all([ioredis.quit(), nodeRedis.close()]));

describe.each([
  ["ioredis", ioredis],
  ["redis", nodeRedis],
])("the Redis store keeps the contract on a client of %s: it", (_name, client) => {
  for (const [sentence, test] of Object.entries(rateLimitStoreContract)) {
    it(sentence, () =>
      test(async () => {
        let now = 0;
        const store = redisStore({ client, prefix: randomUUID(), time: { now: () => now } });
        return { store, setClock: (ms) => (now = ms), close: () => store.close() };
      }),
    );
  }
});
