import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type CheckpointStore, createCheckpoints, memoryStore } from "../src/index.ts";

function setUp(store: CheckpointStore = memoryStore()) {
  const clock = createManualClock();
  const checkpoints = createCheckpoints<number>({ store, clock, history: 100 });
  const saved = async () => (await checkpoints.versions("a")).map(({ value }) => value).reverse();
  return { checkpoints, clock, saved };
}

describe("coalesced saves", () => {
  it("save the latest value, so long after the first of them came", async () => {
    const { checkpoints, clock, saved } = setUp();
    const hot = checkpoints.coalesce("a", { every: "1s" });
    for (let value = 1; value <= 10; value++) {
      hot.put(value);
      await clock.advanceAsync(50);
    }
    expect(await saved()).toEqual([]);
    await clock.advanceAsync(500);
    expect(await saved()).toEqual([10]);
    await clock.advanceAsync(5000);
    expect(await saved()).toEqual([10]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("save at once when enough have come", async () => {
    const { checkpoints, clock, saved } = setUp();
    const hot = checkpoints.coalesce("a", { every: "1h", count: 3 });
    for (let value = 1; value <= 7; value++) {
      hot.put(value);
      await clock.advanceAsync(1);
    }
    expect(await saved()).toEqual([3, 6]);
    await hot.flush();
    expect(await saved()).toEqual([3, 6, 7]);
  });

  it("cost, in a crash, what came since the last save: less than count values, none older than every", async () => {
    const { checkpoints, clock, saved } = setUp();
    const hot = checkpoints.coalesce("a", { every: "1s", count: 5 });
    let latest = 0;
    for (let step = 0; step < 200; step++) {
      hot.put(++latest);
      await clock.advanceAsync(step % 7 === 0 ? 400 : 30);
      const last = (await saved()).at(-1) ?? 0;
      expect(latest - last).toBeLessThan(5);
    }
  });

  it("flush on close, and take no more", async () => {
    const { checkpoints, saved } = setUp();
    const hot = checkpoints.coalesce("a");
    hot.put(1);
    await hot.close();
    expect(await saved()).toEqual([1]);
    expect(() => hot.put(2)).toThrow(/closed/);
    await hot.close();
  });

  it("save one at a time, whatever comes meanwhile", async () => {
    let underWay = 0;
    let most = 0;
    const memory = memoryStore();
    const slow: CheckpointStore = {
      ...memory,
      async save(...args) {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        return memory.save(...args);
      },
    };
    const { checkpoints, saved } = setUp(slow);
    const hot = checkpoints.coalesce("a", { count: 1 });
    for (let value = 1; value <= 20; value++) hot.put(value);
    await hot.flush();
    expect(most).toBe(1);
    expect((await saved()).at(-1)).toBe(20);
  });

  it("are told at the next call that a save was refused, and save nothing after it", async () => {
    const store = memoryStore();
    const { checkpoints, saved } = setUp(store);
    const { entry } = await store.grant("a", "me", undefined);
    const hot = checkpoints.coalesce("a", { lease: { fence: entry?.fence ?? 0 } });
    hot.put(1);
    await hot.flush();
    await store.grant("a", "you", await store.read("a"));
    hot.put(2);
    await expect(hot.flush()).rejects.toMatchObject({ code: "STALE_LEASE" });
    expect(() => hot.put(3)).toThrow(/lease was granted again/);
    await expect(hot.close()).rejects.toMatchObject({ code: "STALE_LEASE" });
    expect(await saved()).toEqual([1]);
  });
});
