import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { memoryTokenStore } from "../src/index.ts";
import { NOW } from "./support.ts";

function setUp() {
  const clock = createManualClock(NOW);
  return { clock, store: memoryTokenStore({ clock }) };
}

describe("the memory store", () => {
  it("keeps a mark as long as it was told, to the millisecond", async () => {
    const { store, clock } = setUp();
    await store.mark("a", 1000);
    clock.advance(999);
    expect(await store.mark("a", 1000)).toBe(false);
    clock.advance(1);
    expect(await store.mark("a", 1000)).toBe(true);
  });

  it("keeps a revocation at least as long as it was told", async () => {
    const { store, clock } = setUp();
    await store.revoke("a", 5000, 1000);
    await store.revoke("for good", 5000, Number.POSITIVE_INFINITY);
    clock.advance(999);
    await store.revoke("b", 5000, 1000);
    expect(await store.revocations(["a", "b", "for good"])).toEqual([5000, 5000, 5000]);
    clock.advance(1e12);
    await store.revoke("c", 5000, 1000);
    expect(await store.revocations(["a", "b", "for good"])).toEqual([undefined, undefined, 5000]);
  });

  it("does not grow with what is over", async () => {
    const { store, clock } = setUp();
    for (let count = 0; count < 10_000; count++) {
      await store.mark(`m${count}`, 1000 + (count % 7) * 100);
      await store.revoke(`r${count}`, NOW, 1000);
      clock.advance(10);
    }
    expect(store.size).toBeLessThan(500);
  });

  it("forgets nothing early where marks are kept for different times", async () => {
    const { store, clock } = setUp();
    const due = new Map<string, number>();
    for (let count = 0; count < 3000; count++) {
      const keepMs = 1 + ((count * 7919) % 600);
      await store.mark(`m${count}`, keepMs);
      due.set(`m${count}`, clock.now() + keepMs);
      clock.advance(1);
    }
    for (const [name, keptUntil] of due) {
      if (keptUntil > clock.now()) expect(await store.mark(name, 1)).toBe(false);
    }
  });
});
