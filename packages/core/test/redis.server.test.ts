import { isErrorReply, type RedisClient, redisScript, scriptRunner } from "@holdfast/core/redis";
import { serverUrl } from "@holdfast/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const script = redisScript("return {KEYS[1], ARGV[1], ARGV[2]}");
const clients: Record<string, RedisClient> = {};
let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;

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

describe.each(["ioredis", "node-redis"])("a script through %s", (name) => {
  it("runs, known to the server or not", async () => {
    const run = scriptRunner(clients[name] as RedisClient);
    for (let time = 0; time < 2; time++) {
      await ioredis.script("FLUSH");
      await expect(run(script, ["k"], ["a", "b"])).resolves.toEqual(["k", "a", "b"]);
      await expect(run(script, ["k"], ["c", "d"])).resolves.toEqual(["k", "c", "d"]);
    }
  });

  it("rejects with the server's own error", async () => {
    const run = scriptRunner(clients[name] as RedisClient);
    const failing = redisScript("return redis.error_reply('SPECIAL it is')");
    const error = await run(failing, [], []).catch((caught: unknown) => caught);
    expect(isErrorReply(error, "SPECIAL")).toBe(true);
    expect(isErrorReply(error, "NOSCRIPT", "TRYAGAIN")).toBe(false);
  });
});

describe("a script's client", () => {
  it.each([[{}], [undefined], [{ evalsha: () => {}, eval: () => {} }]])("is not %j", (client) => {
    expect(() => scriptRunner(client as unknown as RedisClient)).toThrow(/ioredis .* or redis/);
  });
});
