import { startFaultProxy, startRedis, startRedisReplica } from "@holdfast/testing";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { compileRules } from "../src/rule.ts";
import { redisStore } from "../src/stores/redis.ts";

// A token comes back every 86 seconds: none in the time of the test.
const rules = compileRules("failover", ["1000/day"]);

it("a failover gives back exactly what the replica had not been told, and forgets a block set since", async () => {
  await using master = await startRedis();
  await using link = await startFaultProxy(master);
  await using replica = await startRedisReplica({ ...master, port: link.port });
  const [toMaster, toReplica] = [master, replica].map(({ url }) => new Redis(url)) as [Redis, Redis];
  for (const client of [toMaster, toReplica]) client.on("error", () => {});

  const passes = async (client: Redis, calls: number): Promise<number> => {
    const many = Array.from({ length: calls }, () => ({ rules, key: "k", cost: 1 }));
    const readings = (await redisStore({ client }).consumeMany?.(many)) ?? [];
    return readings.filter(({ outcome }) => outcome === "passed").length;
  };
  expect(await passes(toMaster, 400)).toBe(400);
  expect(await toMaster.wait(1, 10_000)).toBe(1);
  link.halfOpen();
  expect(await passes(toMaster, 350)).toBe(350);
  await redisStore({ client: toMaster }).block(rules, "enemy", 3_600_000);

  await master.kill();
  await toReplica.replicaof("NO", "ONE");
  const passed = 400 + 350 + (await passes(toReplica, 1500));
  expect(passed - rules.smallestBurst).toBe(350);
  expect((await redisStore({ client: toReplica }).peek(rules, "enemy")).outcome).toBe("passed");
  for (const client of [toMaster, toReplica]) client.disconnect();
});
