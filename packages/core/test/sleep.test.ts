import { getEventListeners } from "node:events";
import { describe, expect, expectTypeOf, it } from "vitest";
import { createManualClock, type SleepOptions, sleep } from "../src/index.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("sleep", () => {
  it("resolves when the delay is over and not before", async () => {
    const clock = createManualClock();
    let isOver = false;
    const slept = sleep(100, { clock }).then(() => {
      isOver = true;
    });
    await clock.advanceAsync(99);
    expect(isOver).toBe(false);
    await clock.advanceAsync(1);
    await slept;
    expect(isOver).toBe(true);
  });

  it("sleeps by the machine's clock unless given one", async () => {
    const start = performance.now();
    await sleep(5);
    expect(performance.now() - start).toBeGreaterThanOrEqual(5);
  });

  it("rejects with the signal's reason as soon as it aborts, leaving neither timer nor listener", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const slept = sleep(60_000, { clock, signal: controller.signal });
    expect([clock.pendingTimers, listeners(controller.signal)]).toEqual([1, 1]);
    controller.abort(reason);
    expect([clock.pendingTimers, listeners(controller.signal)]).toEqual([0, 0]);
    await expect(slept).rejects.toBe(reason);
  });

  it("rejects within the tick of the abort", async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const slept = sleep(60_000, { clock: createManualClock(), signal: controller.signal }).catch(() =>
      order.push("rejected"),
    );
    setImmediate(() => order.push("next turn"));
    controller.abort();
    await slept;
    expect(order).toEqual(["rejected"]);
  });

  it("leaves no listener when it ends in its own time", async () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    const slept = sleep(10, { clock, signal });
    clock.advance(10);
    await slept;
    expect([clock.pendingTimers, listeners(signal)]).toEqual([0, 0]);
  });

  it("arms nothing for a signal that is already aborted", async () => {
    const clock = createManualClock();
    const signal = AbortSignal.abort("too late");
    await expect(sleep(10, { clock, signal })).rejects.toBe("too late");
    expect([clock.pendingTimers, listeners(signal)]).toEqual([0, 0]);
  });

  it("rejects with an AbortError where the abort gave no reason", async () => {
    const controller = new AbortController();
    const slept = sleep(10, { clock: createManualClock(), signal: controller.signal });
    controller.abort();
    await expect(slept).rejects.toMatchObject({ name: "AbortError" });
  });

  it("keeps the process alive unless told not to", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const controller = new AbortController();
    const idle = sleep(60_000, { signal: controller.signal, keepAlive: false });
    expect(timers()).toBe(before);
    const busy = sleep(60_000, { signal: controller.signal });
    expect(timers()).toBe(before + 1);
    controller.abort("done");
    await Promise.allSettled([idle, busy]);
    expect(timers()).toBe(before);
  });

  it("takes options that are undefined as left out", () => {
    expectTypeOf<{ signal: undefined; clock: undefined; keepAlive: undefined }>().toExtend<SleepOptions>();
    expectTypeOf(sleep).returns.toEqualTypeOf<Promise<void>>();
  });
});
