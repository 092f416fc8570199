import { getEventListeners } from "node:events";
import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import {
  createRateLimiter,
  type LeaseOptions,
  type LeasingStore,
  type RateLimiter,
  RateLimiterError,
  withLeases,
} from "../src/index.ts";
import { countingLeases, makeFleet } from "./lease-fleet.ts";
import { leaseModel } from "./lease-model.ts";

describe("leases", () => {
  it("ask the store once for many calls, and let through exactly the burst", async () => {
    const fleet = makeFleet(1, { limit: 1000, window: 3_600_000, burst: 1000 }, { tokens: 100 });
    let passed = 0;
    for (let call = 0; call < 1200; call++) if (await fleet.consume(0)) passed++;
    expect(passed).toBe(1000);
    expect(fleet.asked()).toBeLessThan(20);
  });

  it("are spent for no longer than their time, counted from before they were asked for", async () => {
    const fleet = makeFleet(1, { limit: 100, window: 60_000, burst: 100 }, { tokens: 10, ttl: 1000 }, 100);
    const first = fleet.consume(0);
    await fleet.clock.advanceAsync(200);
    expect(await first).toBe(true);
    const asked = fleet.asked();
    await fleet.clock.advanceAsync(788);
    expect(await fleet.consume(0)).toBe(true);
    expect(fleet.asked()).toBe(asked);
    await fleet.clock.advanceAsync(1);
    const late = fleet.consume(0);
    await fleet.clock.advanceAsync(200);
    expect(await late).toBe(true);
    expect(fleet.asked()).toBe(asked + 1);
  });

  it("are not spent in the store's next millisecond, which may begin right after it lent", async () => {
    const fleet = makeFleet(1, { limit: 100, window: 60_000, burst: 100 }, { tokens: 10, ttl: 10 });
    await fleet.clock.advanceAsync(0.9);
    await fleet.consume(0);
    await fleet.clock.advanceAsync(9.2);
    const asked = fleet.asked();
    await fleet.consume(0);
    expect(fleet.asked()).toBe(asked + 1);
  });

  it("give back what was not spent, when asking again and when closed", async () => {
    const fleet = makeFleet(2, { limit: 20, window: 3_600_000, burst: 20 }, { tokens: 2, ttl: 60_000 });
    await fleet.consume(0);
    await fleet.close(0);
    let passed = 0;
    for (let call = 0; call < 30; call++) if (await fleet.consume(1)) passed++;
    expect(passed).toBe(19);
  });

  it("answer refusals here until the store could have something, at the time it told", async () => {
    const fleet = makeFleet(1, { limit: 20, window: 20_000, burst: 20 }, { tokens: 2 });
    for (let call = 0; call < 20; call++) await fleet.consume(0);
    expect(await fleet.consume(0)).toBe(false);
    const asked = fleet.asked();
    for (let call = 0; call < 100; call++) expect(await fleet.consume(0)).toBe(false);
    expect(fleet.asked()).toBe(asked);
    await fleet.clock.advanceAsync(1000);
    expect(await fleet.consume(0)).toBe(true);
  });

  it("are not taken from a bucket that is too small for them, nor for a cost above them, nor with a penalty", async () => {
    const clock = createManualClock();
    const model = leaseModel(() => clock.monotonic());
    const unleased: LeasingStore = { ...model, lease: () => Promise.reject(new Error("leased")) };
    const store = withLeases(unleased, { tokens: 10, clock });
    const small = createRateLimiter({ rules: "19/minute", store, whenStoreFails: "reject" });
    expect((await small.consume("k")).allowed).toBe(true);
    const large = createRateLimiter({ name: "large", rules: "1000/minute", store, whenStoreFails: "reject" });
    expect((await large.consume("k", { cost: 11 })).allowed).toBe(true);
    await expect(large.consume("k", { cost: 10 })).rejects.toThrow("leased");
    const penalty = { refusals: 1, within: "1m", block: "1m" };
    const strict = createRateLimiter({
      name: "strict",
      rules: "1000/minute",
      penalty,
      store,
      whenStoreFails: "reject",
    });
    expect((await strict.consume("k")).allowed).toBe(true);
  });

  it("are held for a bounded number of keys; further keys are asked for call by call", async () => {
    const { clock, limiter, leases } = countingLeases({ maxKeys: 5 }, "1000/minute");
    for (let key = 0; key < 50; key++) await limiter.consume(`k${key}`);
    expect(leases()).toBe(5);
    await clock.advanceAsync(2000);
    await limiter.consume("later");
    expect(leases()).toBe(6);
  });

  it("are held for keys that come after one that is always asked for", async () => {
    const { clock, limiter, leases } = countingLeases({ maxKeys: 5, ttl: 1000 }, "1000/minute");
    for (let key = 0; key < 100; key++) {
      await limiter.consume("always");
      await limiter.consume(`once ${key}`);
      await clock.advanceAsync(500);
    }
    // Each once, and the one that is always there every other time.
    expect(leases()).toBe(100 + 50);
  });

  it("are the same for rules that are given anew with each call", async () => {
    const { limiter, leases } = countingLeases({}, "1/hour");
    for (let call = 0; call < 50; call++) await limiter.consume("k", { rules: [{ limit: 1000, window: "1m" }] });
    expect(leases()).toBe(1);
    await limiter.consume("k", { rules: [{ limit: 1000, window: "1m", burst: 30 }] });
    expect(leases()).toBe(2);
  });

  it("see at once what is done to a key by hand here, and within their time what is done elsewhere", async () => {
    const fleet = makeFleet(2, { limit: 20, window: 86_400_000, burst: 20 }, { tokens: 2, ttl: 1000 });
    const [here, elsewhere] = fleet.limiters as [RateLimiter, RateLimiter];
    for (let call = 0; call < 20; call++) await here.consume("k");
    const both = async () => [(await here.consume("k")).allowed, (await elsewhere.consume("k")).allowed];
    expect(await both()).toEqual([false, false]);
    await here.refund("k", { cost: 2 });
    expect(await both()).toEqual([true, false]);
    await here.reset("k");
    expect(await both()).toEqual([true, false]);
    await fleet.clock.advanceAsync(1000);
    expect(await both()).toEqual([true, true]);
  });

  it("that were on their way when a key was blocked are not spent", async () => {
    const clock = createManualClock();
    const model = leaseModel(() => clock.monotonic());
    const { promise: arrival, resolve: arrive } = Promise.withResolvers<void>();
    let blocked = false;
    const store: LeasingStore = {
      ...model,
      async lease(...call) {
        const reading = await model.lease(...call);
        if (blocked) return { ...reading, outcome: "blocked", lent: 0, blockedMs: 1000 };
        await arrival;
        return reading;
      },
      async block() {
        blocked = true;
      },
    };
    const limiter = createRateLimiter({ rules: "1000/minute", store: withLeases(store, { clock }), clock });
    const calls = [limiter.consume("k"), limiter.consume("k")];
    await limiter.block("k", 1000);
    arrive();
    expect((await Promise.all(calls)).map(({ outcome }) => outcome)).toEqual(["blocked", "blocked"]);
  });

  it("are waited for no longer than a call's signal says, by whoever waits along", async () => {
    const fleet = makeFleet(1, { limit: 1000, window: 60_000, burst: 1000 }, { tokens: 10 }, 500);
    const [limiter] = fleet.limiters as [RateLimiter];
    const abort = new AbortController();
    const calls = [
      limiter.consume("k", { signal: abort.signal }),
      limiter.consume("k", { signal: abort.signal }),
      limiter.consume("k"),
    ];
    abort.abort(new Error("client went away"));
    const ended = Promise.allSettled(calls.slice(0, 2));
    expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    await fleet.clock.advanceAsync(1000);
    expect((await calls[2])?.allowed).toBe(true);
    expect(fleet.asked()).toBe(1);
  });

  it("are given back when closed for no longer than they last", async () => {
    const clock = createManualClock();
    const model = leaseModel(() => clock.monotonic());
    let hangs = false;
    const store = withLeases(
      {
        ...model,
        lease: (rules, key, request, call) =>
          hangs
            ? new Promise((_, reject) => call?.signal?.addEventListener("abort", () => reject(call.signal?.reason)))
            : model.lease(rules, key, request),
      },
      { ttl: 1000, clock },
    );
    const limiter = createRateLimiter({ rules: "1000/minute", store, clock });
    await limiter.consume("k");
    hangs = true;
    const closed = store.close();
    await clock.advanceAsync(1000);
    await closed;
    expect(clock.pendingTimers).toBe(0);
  });

  it("pass a failure on to every call that waits for it, and ask anew afterwards", async () => {
    const clock = createManualClock();
    const model = leaseModel(() => clock.monotonic());
    let down = true;
    const flaky: LeasingStore = {
      ...model,
      lease: (...call) => (down ? Promise.reject(new Error("down")) : model.lease(...call)),
    };
    const store = withLeases(flaky, { clock });
    const limiter = createRateLimiter({ rules: "1000/minute", store, clock, whenStoreFails: "reject" });
    const results = await Promise.allSettled([limiter.consume("k"), limiter.consume("k"), limiter.consume("k")]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    down = false;
    expect((await limiter.consume("k")).allowed).toBe(true);
  });

  it("show what is left as if what is held here had never been taken", async () => {
    const clock = createManualClock();
    const store = withLeases(
      leaseModel(() => clock.monotonic()),
      { tokens: 10, clock },
    );
    const limiter = createRateLimiter({ rules: "100/hour", store, clock });
    for (const left of [99, 98, 97]) expect((await limiter.consume("k")).remaining).toBe(left);
  });

  it.each<LeaseOptions>([{ tokens: 0 }, { tokens: 1.5 }, { ttl: 1 }, { ttl: "2h" }, { ttl: "soon" }, { maxKeys: 0 }])(
    "refuse %j",
    (options) => {
      expect(() =>
        withLeases(
          leaseModel(() => 0),
          options,
        ),
      ).toThrow(RateLimiterError);
    },
  );
});
