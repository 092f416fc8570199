import { startRedis, startRedisCluster, startRedisReplica } from "@holdfast/testing";
import { Cluster } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { isClosed, own, redis } from "./clients.ts";

test("two servers are two", async () => {
  const [one, other] = await Promise.all([own(startRedis()), own(startRedis())]);
  await redis(one.url).set("key", "value");
  expect(await redis(other.url).get("key")).toBeNull();
});

test("killed, it is gone at once; restarted, it answers on the same port", async () => {
  const server = await own(startRedis());
  const { pid } = server;
  await server.kill();
  expect(server.pid).toBeUndefined();
  expect(await isClosed(server.port)).toBe(true);
  await server.restart();
  expect(server.pid).not.toBe(pid);
  expect(await redis(server.url).ping()).toBe("PONG");
});

test("forgets its data in a restart, unless its settings say otherwise", async () => {
  const settings = { appendonly: "yes", appendfsync: "always" };
  const [forgetful, durable] = await Promise.all([own(startRedis()), own(startRedis({ settings }))]);
  for (const server of [forgetful, durable]) {
    await redis(server.url).set("key", "value");
    await server.kill();
    await server.restart();
  }
  expect(await redis(forgetful.url).get("key")).toBeNull();
  expect(await redis(durable.url).get("key")).toBe("value");
});

test("restarts while it runs", async () => {
  const server = await own(startRedis());
  const { pid } = server;
  await server.restart();
  expect(server.pid).not.toBe(pid);
});

test("stopping twice does nothing more", async () => {
  const server = await startRedis();
  await server.stop();
  await server.stop();
  expect(await isClosed(server.port)).toBe(true);
});

test("a server that does not start is an error with its own words", async () => {
  await expect(startRedis({ settings: { "no-such-setting": "1" } })).rejects.toThrow(
    /redis ended while it started.*no-such-setting/s,
  );
});

test("a replica has what its master has", async () => {
  const master = await own(startRedis());
  const writer = redis(master.url);
  await writer.set("before", "1");
  const replica = await own(startRedisReplica(master));
  const reader = redis(replica.url);
  expect(await reader.get("before")).toBe("1");
  await writer.set("after", "2");
  // A master sends what comes after the first data once its replica has acknowledged them, which it does once a second.
  await expect.poll(() => reader.get("after")).toBe("2");
  await expect(reader.set("key", "value")).rejects.toThrow("READONLY");
});

test("a cluster is whole again after one of its masters was killed and restarted", async () => {
  const cluster = await own(startRedisCluster());
  const client = new Cluster([cluster.url]);
  onTestFinished(() => client.disconnect());
  const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
  const master = cluster.masters[1]!;
  await master.kill();
  await master.restart();
  await cluster.whole();
  await Promise.all(keys.map((key) => client.set(key, key)));
  expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
});
