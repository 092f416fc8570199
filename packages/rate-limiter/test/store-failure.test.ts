import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import {
  createRateLimiter,
  type RateLimiter,
  RateLimiterError,
  type StoreEvent,
  type StoreFailureOptions,
} from "../src/index.ts";
import { failingStore } from "./failing-store.ts";

function setUp(whenStoreFails?: StoreFailureOptions | "reject", rules = "4/hour") {
  const clock = createManualClock();
  const store = failingStore();
  const events: Omit<StoreEvent, "limiter">[] = [];
  const limiter = createRateLimiter({
    rules,
    store,
    whenStoreFails,
    clock,
    on: { store: ({ state, reason }) => events.push(reason ? { state, reason } : { state }) },
  });
  return { clock, store, limiter, events };
}

describe("when the store fails", () => {
  it("a call waits for the deadline once, and no call after it waits at all", async () => {
    const { clock, store, limiter } = setUp({ deadline: 100 });
    store.state = "hanging";
    const first = limiter.consume("k");
    await clock.advanceAsync(99);
    expect(await Promise.race([first, "pending"])).toBe("pending");
    await clock.advanceAsync(1);
    expect(await first).toMatchObject({ outcome: "degraded", reason: "timeout", allowed: true });
    const asked = store.asked;
    for (let call = 0; call < 50; call++) {
      expect(await limiter.consume(`k${call}`)).toMatchObject({ outcome: "degraded", reason: "circuit-open" });
    }
    expect(store.asked).toBe(asked);
  });

  it("an error degrades at once, and is told with its reason", async () => {
    const { store, limiter, events } = setUp();
    store.state = "failing";
    expect(await limiter.consume("k")).toMatchObject({ outcome: "degraded", reason: "error", mode: "fallback" });
    expect(events).toEqual([{ state: "down", reason: "error" }]);
  });

  it("is never mistaken for a refusal: the outcome is a third one, allowed or not", async () => {
    const { store, limiter } = setUp({ mode: "closed" });
    store.state = "failing";
    const decision = await limiter.consume("k");
    expect(decision).toMatchObject({ outcome: "degraded", allowed: false, mode: "closed" });
    expect(decision.retryAfterMs).toBeGreaterThan(0);
  });

  it("open lets everything pass", async () => {
    const { store, limiter } = setUp({ mode: "open" });
    store.state = "failing";
    for (let call = 0; call < 20; call++) expect((await limiter.consume("k")).allowed).toBe(true);
  });

  it("fallback limits by this instance's share of the rate and of the burst", async () => {
    const { clock, store, limiter } = setUp({ mode: "fallback", instances: 3 }, "9/minute");
    store.state = "failing";
    const passed = async () => {
      let count = 0;
      for (let call = 0; call < 30; call++) if ((await limiter.consume("k")).allowed) count++;
      return count;
    };
    expect(await passed()).toBe(3);
    clock.advance(60_000);
    expect(await passed()).toBe(3);
    clock.advance(19_999);
    expect(await passed()).toBe(0);
    clock.advance(1);
    expect(await passed()).toBe(1);
  });

  it("fallback answers keep their figures, whatever is asked after them", async () => {
    const { store, limiter } = setUp();
    store.state = "failing";
    const answers = [await limiter.consume("k"), await limiter.consume("k"), await limiter.consume("k")];
    expect(answers.map(({ remaining }) => remaining)).toEqual([3, 2, 1]);
  });

  it("fallback leaves each instance at least one token", async () => {
    const { store, limiter } = setUp({ instances: 100 }, "2/hour");
    store.state = "failing";
    expect((await limiter.consume("k")).allowed).toBe(true);
    expect((await limiter.consume("k")).allowed).toBe(false);
  });

  it("the store is back within a second of its recovery, found by a probe that no request waits for", async () => {
    const { clock, store, limiter, events } = setUp();
    store.state = "failing";
    await limiter.consume("k");
    await clock.advanceAsync(60_000);
    store.state = "up";
    await clock.advanceAsync(1000);
    expect(events).toEqual([{ state: "down", reason: "error" }, { state: "up" }]);
    expect((await limiter.consume("k")).outcome).toBe("allowed");
  });

  it("so is one that hung, whenever it recovers", async () => {
    for (const deadline of [50, 200, 800]) {
      for (let recoveryMs = 10_000; recoveryMs < 11_000; recoveryMs += 100) {
        const { clock, store, limiter, events } = setUp({ deadline });
        store.state = "hanging";
        void limiter.consume("k");
        await clock.advanceAsync(recoveryMs);
        store.state = "up";
        await clock.advanceAsync(1000);
        expect(events.at(-1)).toEqual({ state: "up" });
      }
    }
  });

  it("a store that hangs is probed one call at a time", async () => {
    const { clock, store, limiter } = setUp({ deadline: 100 });
    store.state = "hanging";
    const first = limiter.consume("k");
    await clock.advanceAsync(100);
    await first;
    const before = store.asked;
    await clock.advanceAsync(10_000);
    const probes = store.asked - before;
    expect(probes).toBeGreaterThan(5);
    expect(probes).toBeLessThan(20);
  });

  it("a store that can be read but not written is not taken for one that has recovered", async () => {
    const { clock, store, limiter, events } = setUp();
    store.state = "read-only";
    for (let call = 0; call < 50; call++) {
      expect((await limiter.consume("k", { cost: 0 })).outcome).toBe("degraded");
      await clock.advanceAsync(100);
    }
    expect(events).toEqual([{ state: "down", reason: "error" }]);
  });

  it("many calls at once degrade as one does", async () => {
    const { store, limiter } = setUp({ mode: "open" });
    store.state = "failing";
    const decisions = await limiter.consumeMany([{ key: "a" }, { key: "b", cost: 2 }]);
    expect(decisions.map(({ outcome, cost }) => [outcome, cost])).toEqual([
      ["degraded", 1],
      ["degraded", 2],
    ]);
    expect(await limiter.consumeMany([])).toEqual([]);
  });

  it("a call that was aborted says so, and does not count against the store", async () => {
    const { store, limiter, events } = setUp();
    store.state = "hanging";
    const abort = new AbortController();
    store.consume = (_rules, _key, _cost, call) =>
      new Promise((_, reject) =>
        call?.signal?.addEventListener("abort", () => reject(call.signal?.reason), { once: true }),
      );
    const pending = limiter.consume("k", { signal: abort.signal });
    abort.abort(new Error("client went away"));
    await expect(pending).rejects.toThrow("client went away");
    expect(events).toEqual([]);
  });

  it("hands the store's error on when told to", async () => {
    const { store, limiter } = setUp("reject");
    store.state = "failing";
    await expect(limiter.consume("k")).rejects.toThrow("connection refused");
  });

  describe("calls that manage a key reject, because nothing can stand in for them:", () => {
    const manage = (limiter: RateLimiter) => [
      limiter.refund("k"),
      limiter.reset("k"),
      limiter.block("k", "1m"),
      limiter.unblock("k"),
    ];

    it("with the store's own error", async () => {
      const { store, limiter } = setUp();
      store.state = "failing";
      for (const call of manage(limiter)) await expect(call).rejects.toThrow("connection refused");
    });

    it("at the deadline where it hangs, and at once where it is known to have failed", async () => {
      const { clock, store, limiter } = setUp({ deadline: 100 });
      store.state = "hanging";
      const late = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("100 ms") };
      const ended = Promise.all(manage(limiter).map((call) => expect(call).rejects.toMatchObject(late)));
      await clock.advanceAsync(100);
      await ended;
      const opening = limiter.consume("k");
      await clock.advanceAsync(100);
      await opening;
      const asked = store.asked;
      for (const call of manage(limiter)) await expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(store.asked).toBe(asked);
    });
  });

  it("a look at a key waits no longer than a call, and is as degraded", async () => {
    const { clock, store, limiter } = setUp({ deadline: 100 });
    await limiter.consume("k");
    store.state = "hanging";
    const look = limiter.peek("k");
    await clock.advanceAsync(100);
    expect(await look).toMatchObject({ outcome: "degraded", reason: "timeout", remaining: 4 });
    expect(await limiter.peek("k")).toMatchObject({ outcome: "degraded", reason: "circuit-open" });
  });

  it("leaves no timer behind: neither of calls that were answered nor, once closed, of its probe", async () => {
    const { clock, store, limiter } = setUp();
    for (let call = 0; call < 10; call++) await limiter.consume("k");
    expect(clock.pendingTimers).toBe(0);
    store.state = "failing";
    await limiter.consume("k");
    expect(clock.pendingTimers).toBe(1);
    await limiter.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it("starts no probe for a call that fails after it was closed", async () => {
    const { clock, store, limiter } = setUp({ deadline: 100 });
    store.state = "hanging";
    const last = limiter.consume("k");
    await limiter.close();
    await clock.advanceAsync(100);
    expect((await last).outcome).toBe("degraded");
    expect(clock.pendingTimers).toBe(0);
  });

  it.each<StoreFailureOptions>([{ deadline: 0 }, { deadline: "soon" }, { instances: 0 }, { instances: 1.5 }])(
    "refuses %j",
    (options) => {
      expect(() => setUp(options)).toThrow(RateLimiterError);
    },
  );
});
