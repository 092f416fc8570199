import { createManualClock } from "@holdfast/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRateLimiter, memoryStore, RateLimiterError } from "../src/index.ts";
import { anyRules, anySteps } from "./arbitraries.ts";
import { asInputs, ModelLimiter } from "./model.ts";

/** A clock whose monotonic side can be set back, which a real one never is: the store must not rely on that. */
function settableClock() {
  let ms = 0;
  return { ...createManualClock(), monotonic: () => ms, set: (to: number) => (ms = to) };
}

describe("the memory store", () => {
  it("decides as the exact model does, for any rules and any sequence of times, keys and costs", () => {
    fc.assert(
      fc.property(anyRules, anySteps, (rules, steps) => {
        const clock = settableClock();
        const model = new ModelLimiter(rules);
        const limiter = createRateLimiter({ rules: asInputs(rules), store: memoryStore({ clock }) });
        const smallestBurst = Math.min(...rules.map((rule) => rule.burst));
        let now = 10_000;
        for (const { elapsed, key, cost } of steps) {
          now = Math.max(0, now + elapsed);
          clock.set(now);
          if (cost > smallestBurst) continue;
          const expected = model.consume(now, key, cost);
          const decision = limiter.consumeSync(key, { cost });
          expect(decision.allowed).toBe(expected.allowed);
          expect(decision.rules.map((rule) => rule.remaining)).toEqual(expected.remaining);
          expect(decision.retryAfterMs).toBe(expected.retryAfterMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps keys apart, however alike", () => {
    const limiter = createRateLimiter({ rules: "1/minute" });
    const keys = [
      "a",
      "A",
      "a ",
      " a",
      "a\n",
      "a\u0000",
      "\u0000a",
      "aa",
      "é",
      "e\u0301",
      "1",
      "\ud800",
      "\udfff",
      "constructor",
    ];
    for (const key of keys) expect(limiter.consumeSync(key).allowed).toBe(true);
    for (const key of keys) expect(limiter.consumeSync(key).allowed).toBe(false);
  });

  it("takes a key of a megabyte, told apart by its last character", () => {
    const limiter = createRateLimiter({ rules: "1/minute" });
    const long = "x".repeat(1_000_000);
    expect(limiter.consumeSync(`${long}1`).allowed).toBe(true);
    expect(limiter.consumeSync(`${long}2`).allowed).toBe(true);
    expect(limiter.consumeSync(`${long}1`).allowed).toBe(false);
  });

  it("keeps limiters apart that share it", () => {
    const store = memoryStore();
    const one = createRateLimiter({ name: "one", rules: "1/minute", store });
    const two = createRateLimiter({ name: "two", rules: "1/minute", store });
    expect(one.consumeSync("k").allowed).toBe(true);
    expect(two.consumeSync("k").allowed).toBe(true);
    expect(one.consumeSync("k").allowed).toBe(false);
  });

  it("finds every key again while it grows and shrinks", () => {
    const clock = createManualClock();
    const store = memoryStore({ clock, maxKeys: 30_000 });
    const limiter = createRateLimiter({ rules: "1/hour", store });
    for (let index = 0; index < 20_000; index++) expect(limiter.consumeSync(`key-${index}`).allowed).toBe(true);
    for (let index = 0; index < 20_000; index++) expect(limiter.consumeSync(`key-${index}`).allowed).toBe(false);
    expect(store.stats().keys).toBe(20_000);
    expect(store.stats().bytes / store.stats().keys).toBeLessThan(48);
  });

  it("finds the key that was asked for last also after its neighbours have grown in number, or it was forgotten", async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ rules: "2/hour", store: memoryStore({ clock, maxKeys: 1000 }) });
    for (let index = 0; index < 200; index++) {
      expect(limiter.consumeSync(`key-${index}`).remaining).toBe(1);
      expect(limiter.consumeSync(`key-${index}`).remaining).toBe(0);
    }
    await limiter.reset("key-199");
    expect(limiter.consumeSync("key-199").remaining).toBe(1);
    clock.advance(3_600_000);
    expect(limiter.consumeSync("key-199").remaining).toBe(1);
  });

  it("lets go of full buckets in passing, with no timer and no call that clears everything", () => {
    const clock = createManualClock();
    const store = memoryStore({ clock, maxKeys: 10_000 });
    const limiter = createRateLimiter({ rules: "1/second", store });
    for (let index = 0; index < 10_000; index++) limiter.consumeSync(`key-${index}`);
    const before = store.stats();
    clock.advance(1000);
    for (let call = 0; call < 20_000; call++) limiter.consumeSync("the only one left");
    expect(clock.pendingTimers).toBe(0);
    expect(store.stats().keys).toBeLessThan(before.keys / 10);
    expect(store.stats().bytes).toBeLessThan(before.bytes / 5);
  });

  describe("when it has no room for another key", () => {
    const flooded = (whenFull?: "share" | "refuse" | "allow") => {
      const clock = createManualClock();
      const store = memoryStore({ clock, maxKeys: 1000, whenFull });
      const limiter = createRateLimiter({ rules: "5/hour", store });
      for (let call = 0; call < 6; call++) limiter.consumeSync("victim");
      for (let index = 0; index < 5000; index++) limiter.consumeSync(`flood-${index}`);
      return { clock, store, limiter };
    };

    it("keeps every bucket that is in use: a flood of new keys frees nobody", () => {
      const { limiter, store } = flooded();
      expect(limiter.consumeSync("victim").allowed).toBe(false);
      expect(store.stats().keys).toBe(1000);
    });

    it("lets new keys share one bucket, unless told otherwise", () => {
      const { limiter } = flooded();
      expect(limiter.consumeSync("newcomer").outcome).toBe("refused");
    });

    it("refuses new keys by an outcome of its own when told to", () => {
      const { limiter } = flooded("refuse");
      expect(limiter.consumeSync("newcomer")).toMatchObject({ allowed: false, outcome: "crowded" });
      expect(limiter.consumeSync("flood-3").allowed).toBe(true);
    });

    it("lets new keys pass when told to", () => {
      expect(flooded("allow").limiter.consumeSync("newcomer").allowed).toBe(true);
    });

    it("takes new keys again as soon as a bucket is full again", () => {
      const { clock, limiter } = flooded("refuse");
      clock.advance(3_600_000);
      expect(limiter.consumeSync("newcomer").outcome).toBe("allowed");
    });
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 24 + 1])("refuses room for %d keys", (maxKeys) => {
    expect(() => memoryStore({ maxKeys })).toThrow(RateLimiterError);
  });

  it("works with room for one key and for as many as it may have", () => {
    for (const maxKeys of [1, 2 ** 24]) {
      const limiter = createRateLimiter({ rules: "1/hour", store: memoryStore({ maxKeys }) });
      expect(limiter.consumeSync("a").allowed).toBe(true);
      expect(limiter.consumeSync("a").allowed).toBe(false);
    }
  });

  it("punishes nobody for what others have spent of the shared bucket", () => {
    const penalty = { refusals: 2, within: "1m", block: "1h" };
    const store = memoryStore({ maxKeys: 10, clock: createManualClock() });
    const limiter = createRateLimiter({ rules: "1/minute", penalty, store });
    for (let key = 0; key < 10; key++) limiter.consumeSync(`spent ${key}`);
    const outcomes = Array.from({ length: 5 }, () => limiter.consumeSync("newcomer").outcome);
    expect(outcomes).toEqual(["allowed", "refused", "refused", "refused", "refused"]);
  });
});
