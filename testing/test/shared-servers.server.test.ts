import { serverUrl } from "@holdfast/testing";
import { Cluster } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { postgres, redis } from "./clients.ts";

test("redis answers", async () => {
  expect(await redis(serverUrl("redis")).ping()).toBe("PONG");
});

test("redis-cluster serves every slot", async () => {
  const cluster = new Cluster([serverUrl("redis-cluster")]);
  onTestFinished(() => cluster.disconnect());
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
  await Promise.all(keys.map((key) => cluster.set(key, key)));
  expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys);
});

test("chromium answers", async () => {
  const response = await fetch(`${serverUrl("chromium")}/json/version`);
  expect(await response.json()).toMatchObject({ Browser: expect.stringContaining("Chrome/") });
});

test("postgres answers", async () => {
  const client = await postgres(serverUrl("postgres"));
  expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

test("pgbouncer stands in front of the same postgres", async () => {
  const direct = await postgres(serverUrl("postgres"));
  const pooled = await postgres(serverUrl("pgbouncer"));
  await direct.query("CREATE TABLE seen_through_the_pool ()");
  onTestFinished(async () => void (await direct.query("DROP TABLE seen_through_the_pool")));
  expect((await pooled.query("SELECT * FROM seen_through_the_pool")).rowCount).toBe(0);
});
