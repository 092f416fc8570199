import { createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type CheckpointStore, createCheckpoints, type Lease, memoryStore } from "../src/index.ts";

function setUp() {
  const store = memoryStore();
  /** An instance of the service, on a clock of its own. */
  const instance = (over: CheckpointStore = store, clock = createManualClock()) => ({
    clock,
    checkpoints: createCheckpoints<number>({ store: over, clock }),
  });
  return { store, instance };
}

interface Held {
  readonly lease: Lease;
  readonly ended: Promise<unknown>;
  end(error?: unknown): void;
}

async function hold(checkpoints: ReturnType<typeof createCheckpoints<number>>, options = {}): Promise<Held> {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Lease>();
  const { promise: work, resolve, reject } = Promise.withResolvers<unknown>();
  const ended = checkpoints.withLease(
    "orders",
    (lease) => {
      begin(lease);
      return work;
    },
    { ttl: "30s", ...options },
  );
  ended.catch(() => {});
  const lease = await Promise.race([begun, ended.then(() => Promise.reject(new Error("it ended before it began")))]);
  return { lease, ended, end: (error) => (error === undefined ? resolve("done") : reject(error)) };
}

async function pass(clocks: readonly ManualClock[], ms: number, step = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) for (const clock of clocks) await clock.advanceAsync(step);
}

describe("a lease", () => {
  it("runs the work and settles as it does", async () => {
    const { instance, store } = setUp();
    const { checkpoints, clock } = instance();
    expect(await checkpoints.withLease("orders", async () => 7)).toBe(7);
    await expect(checkpoints.withLease("orders", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect((await store.read("orders"))?.holder).toBeNull();
    expect(clock.pendingTimers).toBe(0);
  });

  it("is one at a time, and goes on to the next as soon as it is given back", async () => {
    const { instance } = setUp();
    const [one, two] = [instance(), instance()];
    const first = await hold(one.checkpoints);
    let second: Held | undefined;
    const waiting = hold(two.checkpoints).then((held) => {
      second = held;
    });
    await pass([one.clock, two.clock], 120_000);
    expect(second).toBeUndefined();
    first.end();
    await first.ended;
    await pass([two.clock], 8000);
    await waiting;
    expect(second?.lease.fence).toBeGreaterThan(first.lease.fence);
    second?.end();
  });

  it("passes to another after its time where the holder is gone, judged by the other's own clock", async () => {
    const { instance, store } = setUp();
    const gone = instance();
    await hold(gone.checkpoints);
    const other = instance(store, createManualClock(gone.clock.now() - 86_400_000));
    const waiting = hold(other.checkpoints);
    await pass([other.clock], 29_500);
    expect((await store.read("orders"))?.fence).toBe(1);
    await pass([other.clock], 8000);
    const held = await waiting;
    expect(held.lease.fence).toBe(2);
    held.end();
  });

  it("can't save any more when it was granted again, whatever it believes", async () => {
    const { instance } = setUp();
    const asleep = instance();
    const sleeper = await hold(asleep.checkpoints);
    await asleep.checkpoints.save("orders", 1, { lease: sleeper.lease });
    const awake = instance();
    const waiting = hold(awake.checkpoints);
    await pass([awake.clock], 40_000);
    const next = await waiting;
    await awake.checkpoints.save("orders", 2, { lease: next.lease });
    // Its clock has stood still, as that of a process does that was stopped.
    expect(sleeper.lease.signal.aborted).toBe(false);
    await expect(asleep.checkpoints.save("orders", 3, { lease: sleeper.lease })).rejects.toMatchObject({
      code: "STALE_LEASE",
    });
    await expect(asleep.checkpoints.delete("orders", { lease: sleeper.lease })).rejects.toMatchObject({
      code: "STALE_LEASE",
    });
    expect((await awake.checkpoints.load("orders"))?.value).toBe(2);
    await pass([asleep.clock], 31_000);
    expect(sleeper.lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    sleeper.end();
    await sleeper.ended;
    expect((await awake.checkpoints.load("orders"))?.value).toBe(2);
    next.end();
  });

  it("ends its work before its time is over where it can't be renewed", async () => {
    const { instance, store } = setUp();
    let isDown = false;
    const down: CheckpointStore = {
      ...store,
      renew: (...args) => (isDown ? Promise.reject(new Error("the store is down")) : store.renew(...args)),
    };
    const { checkpoints, clock } = instance(down);
    const held = await hold(checkpoints);
    await pass([clock], 60_000);
    expect(held.lease.signal.aborted).toBe(false);
    isDown = true;
    await pass([clock], 20_000);
    isDown = false;
    await pass([clock], 20_000);
    expect(held.lease.signal.aborted).toBe(false);
    isDown = true;
    await pass([clock], 30_500);
    expect(held.lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    held.end();
  });

  it("does not wait for a store that hangs any longer than its time", async () => {
    const { instance, store } = setUp();
    const hangs: CheckpointStore = {
      ...store,
      renew: (_key, _fence, call) =>
        new Promise((_, reject) => call?.signal?.addEventListener("abort", () => reject(call.signal?.reason))),
    };
    const { checkpoints, clock } = instance(hangs);
    const held = await hold(checkpoints);
    await pass([clock], 30_500);
    expect(held.lease.signal.aborted).toBe(true);
    held.end();
    await held.ended;
    expect(clock.pendingTimers).toBe(0);
  });

  it("is not waited for where wait is 0, and no longer than wait", async () => {
    const { instance } = setUp();
    const [one, two] = [instance(), instance()];
    const held = await hold(one.checkpoints);
    const refused = { code: "LEASE_HELD", message: expect.stringContaining(held.lease.holder) };
    await expect(two.checkpoints.withLease("orders", async () => 1, { wait: 0 })).rejects.toMatchObject(refused);
    const waiting = two.checkpoints.withLease("orders", async () => 1, { wait: "10s" });
    waiting.catch(() => {});
    await pass([one.clock, two.clock], 11_000);
    await expect(waiting).rejects.toMatchObject(refused);
    held.end();
  });

  it("is not waited for after an abort, and its work is told of one", async () => {
    const { instance } = setUp();
    const [one, two] = [instance(), instance()];
    const stop = new AbortController();
    const held = await hold(one.checkpoints, { signal: stop.signal });
    const waiting = two.checkpoints.withLease("orders", async () => 1, { signal: stop.signal });
    waiting.catch(() => {});
    await two.clock.advanceAsync(1);
    stop.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    expect(two.clock.pendingTimers).toBe(0);
    expect(held.lease.signal.reason).toBe("enough");
    held.end();
  });

  it("gives a holder who was given more time than others all of it", async () => {
    const { instance, store } = setUp();
    const gone = instance();
    await hold(gone.checkpoints, { ttl: "60s" });
    const other = instance();
    const waiting = hold(other.checkpoints, { ttl: "1s" });
    await pass([other.clock], 59_000);
    expect((await store.read("orders"))?.fence).toBe(1);
    await pass([other.clock], 2000);
    (await waiting).end();
  });

  it.each(["50ms", "25h", 0])("takes no ttl of %s", async (ttl) => {
    const { checkpoints } = setUp().instance();
    await expect(checkpoints.withLease("orders", async () => 1, { ttl })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
  });
});
