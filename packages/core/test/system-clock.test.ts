import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { type Clock, type ManualClock, systemClock } from "../src/index.ts";

const MAX_NODE_TIMER_MS = 2 ** 31 - 1;

describe("systemClock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells wall time as Date.now does and monotonic time as performance.now does", () => {
    const wall = Date.now();
    const monotonic = performance.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(wall);
    expect(systemClock.now()).toBeLessThan(wall + 10_000);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(monotonic);
    expect(systemClock.monotonic()).toBeLessThan(monotonic + 10_000);
  });

  it("never calls back before the delay is over by the monotonic clock", async () => {
    const earliness = await Promise.all(
      Array.from({ length: 300 }, (_, i) => {
        const delayMs = 1 + (i % 70) / 7;
        const due = systemClock.monotonic() + delayMs;
        return new Promise<number>((resolve) => {
          systemClock.schedule(() => resolve(due - systemClock.monotonic()), delayMs);
        });
      }),
    );
    expect(Math.max(...earliness)).toBeLessThanOrEqual(0);
  });

  it("does not fire a timer of more than 2^31 - 1 ms at once", async () => {
    const fired: string[] = [];
    const cancel = systemClock.schedule(() => fired.push("long"), MAX_NODE_TIMER_MS + 1);
    await new Promise<void>((resolve) => systemClock.schedule(resolve, 20));
    cancel();
    expect(fired).toEqual([]);
  });

  it("fires a timer of more than 2^31 - 1 ms once, when it is due", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const callback = vi.fn();
    const delayMs = 3 * MAX_NODE_TIMER_MS + 5;
    systemClock.schedule(callback, delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(delayMs);
    expect(callback).toHaveBeenCalledOnce();
  });

  it("cancels a long timer also after its first step", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const callback = vi.fn();
    const cancel = systemClock.schedule(callback, 3 * MAX_NODE_TIMER_MS);
    vi.advanceTimersByTime(1.5 * MAX_NODE_TIMER_MS);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(3 * MAX_NODE_TIMER_MS);
    expect(callback).not.toHaveBeenCalled();
  });

  it("cancels", async () => {
    const fired: string[] = [];
    systemClock.schedule(() => fired.push("cancelled"), 1)();
    await new Promise<void>((resolve) => systemClock.schedule(resolve, 5));
    expect(fired).toEqual([]);
  });

  it("calls back for a delay of zero, below zero or NaN without waiting", async () => {
    for (const delayMs of [0, -5, Number.NaN]) {
      const start = systemClock.monotonic();
      await new Promise<void>((resolve) => systemClock.schedule(resolve, delayMs));
      expect(systemClock.monotonic() - start).toBeLessThan(1000);
    }
  });

  it("keeps the process alive unless told not to", () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const cancelIdle = systemClock.schedule(() => {}, 60_000, { keepAlive: false });
    expect(timers()).toBe(before);
    const cancel = systemClock.schedule(() => {}, 60_000);
    expect(timers()).toBe(before + 1);
    cancel();
    cancelIdle();
    expect(timers()).toBe(before);
  });

  it("is a Clock, and so is a manual clock", () => {
    expectTypeOf(systemClock).toEqualTypeOf<Clock>();
    expectTypeOf<ManualClock>().toExtend<Clock>();
    expectTypeOf<ManualClock["pendingTimers"]>().toEqualTypeOf<number>();
  });
});
