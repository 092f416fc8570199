import { createManualClock } from "@holdfast/core";
import { startFaultProxy, startRedis, startRedisReplica } from "@holdfast/testing";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import type { CheckpointStore, Lease } from "../src/index.ts";
import { createCheckpoints } from "../src/index.ts";
import { redisStore } from "../src/stores/redis.ts";

function clientOf(url: string): Redis {
  const client = new Redis(url);
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/**
 * A master, and a replica that hears nothing any more once `link` is cut. `store` is what a service has: on the master, and on the replica
 * after the failover.
 */
async function setUp() {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const master = stack.use(await startRedis());
  const link = stack.use(await startFaultProxy(master));
  const replica = stack.use(await startRedisReplica({ ...master, port: link.port }));
  const [toMaster, toReplica] = [clientOf(master.url), clientOf(replica.url)];
  let current = redisStore({ client: toMaster });
  const store = new Proxy({} as CheckpointStore, { get: (_, name: keyof CheckpointStore) => current[name] });
  return {
    store,
    async cutOff() {
      expect(await toMaster.wait(1, 10_000)).toBe(1);
      link.halfOpen();
    },
    async failOver() {
      await master.kill();
      await toReplica.replicaof("NO", "ONE");
      current = redisStore({ client: toReplica });
    },
  };
}

describe("a failover", () => {
  it("takes back saves that the replica had not been told of, each as a whole, and a writer under ifVersion is told", async () => {
    const { store, cutOff, failOver } = await setUp();
    const checkpoints = createCheckpoints<number>({ store, history: 10 });
    for (let value = 1; value <= 3; value++) await checkpoints.save("a", value);
    await cutOff();
    for (let value = 4; value <= 5; value++) await checkpoints.save("a", value, { ifVersion: value - 1 });
    await failOver();

    expect(await checkpoints.load("a")).toMatchObject({ value: 3, version: 3 });
    expect((await checkpoints.versions("a")).map(({ value }) => value)).toEqual([3, 2, 1]);
    await expect(checkpoints.save("a", 6, { ifVersion: 5 })).rejects.toMatchObject({
      code: "CONFLICT",
      currentVersion: 3,
    });
    expect(await checkpoints.save("a", 4, { ifVersion: 3 })).toBe(4);
  });

  it("does not tell a writer who only asks for an order, whose value is ahead of what stands; but refuses one behind", async () => {
    const { store, cutOff, failOver } = await setUp();
    const checkpoints = createCheckpoints<number>({ store, order: (a, b) => a - b });
    await checkpoints.save("a", 3);
    await cutOff();
    await checkpoints.save("a", 5);
    await failOver();

    await expect(checkpoints.save("a", 2)).rejects.toMatchObject({ code: "WENT_BACK", currentVersion: 1 });
    expect(await checkpoints.save("a", 6)).toBe(2);
  });

  it("takes back a grant, too; whoever had it finds out at the next renewal, though another has the same fence now", async () => {
    const { store, cutOff, failOver } = await setUp();
    const clock = createManualClock();
    const checkpoints = createCheckpoints<number>({ store, clock });
    const others = createCheckpoints<number>({ store });
    await checkpoints.save("a", 1);
    await cutOff();
    const first = hold(checkpoints);
    const lease = await first.begun;
    await failOver();
    const second = hold(others);
    expect((await second.begun).fence).toBe(lease.fence);

    await clock.advanceAsync(10_000);
    await expect.poll(() => lease.signal.aborted, { timeout: 10_000 }).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    first.end();
    await first.ended;
    // It has not given back what is another's.
    expect((await store.read("a"))?.holder).toBe((await second.begun).holder);
    second.end();
    await second.ended;
    expect((await store.read("a"))?.holder).toBeNull();
  });
});

function hold(checkpoints: ReturnType<typeof createCheckpoints<number>>) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Lease>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const ended = checkpoints.withLease("a", async (lease) => {
    begin(lease);
    await over;
  });
  return { begun, end, ended };
}
