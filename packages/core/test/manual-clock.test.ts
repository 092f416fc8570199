import { describe, expect, it } from "vitest";
import { createManualClock, sleep } from "../src/index.ts";

describe("createManualClock", () => {
  it("stands still at the given moment, with its monotonic clock at 0", () => {
    const clock = createManualClock(1_000);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    expect(createManualClock().now()).toBe(0);
  });

  it("moves both clocks", () => {
    const clock = createManualClock(1_000);
    clock.advance(250.5);
    expect([clock.now(), clock.monotonic()]).toEqual([1_250.5, 250.5]);
  });

  it("fires what falls due in order of time, each at its own moment", () => {
    const clock = createManualClock(100);
    const fired: unknown[] = [];
    for (const delayMs of [30, 10, 20, 41]) {
      clock.schedule(() => fired.push([delayMs, clock.monotonic(), clock.now()]), delayMs);
    }
    clock.advance(40);
    expect(fired).toEqual([
      [10, 10, 110],
      [20, 20, 120],
      [30, 30, 130],
    ]);
    expect([clock.monotonic(), clock.pendingTimers]).toEqual([40, 1]);
  });

  it("fires timers of one moment in the order of arming", () => {
    const clock = createManualClock();
    const fired: string[] = [];
    clock.schedule(() => fired.push("first"), 10);
    clock.schedule(() => fired.push("second"), 10);
    clock.advance(10);
    expect(fired).toEqual(["first", "second"]);
  });

  it("fires a timer that a timer armed, if it falls due on the way", () => {
    const clock = createManualClock();
    const fired: number[] = [];
    clock.schedule(() => {
      clock.schedule(() => fired.push(clock.monotonic()), 5);
    }, 10);
    clock.advance(15);
    expect(fired).toEqual([15]);
  });

  it("takes a delay below zero as none", () => {
    const clock = createManualClock();
    const fired: number[] = [];
    clock.advance(10);
    clock.schedule(() => fired.push(clock.monotonic()), -5);
    clock.advance(0);
    expect(fired).toEqual([10]);
  });

  it("fires no cancelled timer and counts it no more", () => {
    const clock = createManualClock();
    const fired: string[] = [];
    const cancel = clock.schedule(() => fired.push("cancelled"), 10);
    expect(clock.pendingTimers).toBe(1);
    cancel();
    cancel();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(10);
    expect(fired).toEqual([]);
  });

  it("never steps its monotonic clock back, even where a callback moves it on", () => {
    const clock = createManualClock(1_000);
    clock.schedule(() => clock.advance(100), 10);
    clock.advance(20);
    expect([clock.monotonic(), clock.now()]).toEqual([110, 1_110]);
    clock.advance(-50);
    expect([clock.monotonic(), clock.now()]).toEqual([110, 1_110]);
  });

  it("steps the wall clock alone, firing nothing", () => {
    const clock = createManualClock(1_000);
    const fired: string[] = [];
    clock.schedule(() => fired.push("timer"), 10);
    clock.setWallClock(50_000);
    expect([clock.now(), clock.monotonic(), fired.length]).toEqual([50_000, 0, 0]);
    clock.setWallClock(500);
    clock.advance(10);
    expect([clock.now(), clock.monotonic(), fired.length]).toEqual([510, 10, 1]);
  });

  it("lets awaiting code arm its next timer with advanceAsync", async () => {
    const clock = createManualClock();
    const woken: number[] = [];
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10, { clock });
        await Promise.resolve();
        woken.push(clock.monotonic());
      }
    })();
    await clock.advanceAsync(30);
    expect(woken).toEqual([10, 20, 30]);
    expect(clock.pendingTimers).toBe(0);
    await loop;
  });

  it("lets code that has yet to arm its first timer do so before advanceAsync moves", async () => {
    const clock = createManualClock();
    const woken: number[] = [];
    const task = (async () => {
      await Promise.resolve();
      await sleep(10, { clock });
      woken.push(clock.monotonic());
    })();
    await clock.advanceAsync(10);
    await task;
    expect(woken).toEqual([10]);
  });
});
