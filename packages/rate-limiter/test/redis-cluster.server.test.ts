import { type RedisCluster, type Server, startRedisCluster } from "@holdfast/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileRules } from "../src/rule.ts";
import { redisStore } from "../src/stores/redis.ts";
import { clusterConnectors, newPrefix } from "./redis-clients.ts";
import { keepsTheContract } from "./redis-contract.ts";

let cluster: RedisCluster;
let masters: readonly { readonly server: Server; readonly redis: Redis; readonly id: string }[];
beforeAll(async () => {
  cluster = await startRedisCluster();
  masters = await Promise.all(
    cluster.masters.map(async (server) => {
      const redis = new Redis(server.url);
      return { server, redis, id: (await redis.cluster("MYID")) as string };
    }),
  );
});
afterAll(async () => {
  for (const { redis } of masters) redis.disconnect();
  await cluster.stop();
});

async function ownerOf(slot: number, redis: Redis): Promise<string | undefined> {
  const ranges = await redis.cluster("SLOTS");
  return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[2];
}

/** Moves a slot from the master that has it to the next, one key at a time, and waits until every master has heard of it. */
async function moveSlot(slot: number): Promise<void> {
  const owner = await ownerOf(slot, masters[0]!.redis);
  const index = masters.findIndex(({ id }) => id === owner);
  const from = masters[index]!;
  const to = masters[(index + 1) % masters.length]!;
  await to.redis.cluster("SETSLOT", slot, "IMPORTING", from.id);
  await from.redis.cluster("SETSLOT", slot, "MIGRATING", to.id);
  for (;;) {
    const [key] = await from.redis.cluster("GETKEYSINSLOT", slot, 1);
    if (key === undefined) break;
    await from.redis.migrate(to.server.host, to.server.port, key, 0, 5000);
  }
  for (const { redis } of [to, from]) await redis.cluster("SETSLOT", slot, "NODE", to.id);
  for (const { redis } of masters) while ((await ownerOf(slot, redis)) !== to.id);
}

const rules = compileRules("default", [{ limit: 50, window: "1d" }]);

describe.each(clusterConnectors)(
  "in a cluster, the Redis store keeps the contract on a client of %s: it",
  (_name, connect) => {
    keepsTheContract(connect, () => cluster.url);
  },
);

describe.each(clusterConnectors)("in a cluster, on a client of %s,", (_name, connect) => {
  test("keys lie on all nodes, and a batch of them is decided", async () => {
    await using connected = await connect(cluster.url);
    const store = redisStore({ client: connected.client, prefix: newPrefix() });
    const calls = Array.from({ length: 300 }, (_, index) => ({ rules, key: `k${index % 100}`, cost: 25 }));
    const outcomes = (await store.consumeMany?.(calls))?.map(({ outcome }) => outcome);
    expect(outcomes).toEqual([...Array(200).fill("passed"), ...Array(100).fill("refused")]);
  });

  test("the client's own key prefix decides the slot too", async () => {
    await using connected = await connect(cluster.url, newPrefix());
    const store = redisStore({ client: connected.client, prefix: newPrefix() });
    const readings = await store.consumeMany?.(["a", "b", "c", "a"].map((key) => ({ rules, key, cost: 50 })));
    expect(readings?.map(({ outcome }) => outcome)).toEqual(["passed", "passed", "passed", "refused"]);
  });

  test("no call is lost or counted twice while the keys' slot moves from node to node", async () => {
    await using connected = await connect(cluster.url);
    const tag = newPrefix();
    const store = redisStore({ client: connected.client, prefix: `{${tag}}` });
    const slot = Number(await masters[0]!.redis.cluster("KEYSLOT", tag));
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const passes = new Map<string, number>();
    let moving = true;
    const caller = async (key: string): Promise<void> => {
      while (moving || (passes.get(key) ?? 0) < 50) {
        const { outcome } = await store.consume(rules, key, 1);
        if (outcome === "passed") passes.set(key, (passes.get(key) ?? 0) + 1);
      }
    };
    const callers = [...keys, ...keys].map(caller);
    for (let hop = 0; hop < 3; hop++) await moveSlot(slot);
    moving = false;
    await Promise.all(callers);
    expect([...passes.values()]).toEqual(keys.map(() => 50));
  });
});
