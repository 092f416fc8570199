import { createManualClock } from "@holdfast/core";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createRateLimiter,
  type Decision,
  memoryStore,
  type RateLimiter,
  RateLimiterError,
  type RateLimitStore,
  type Refusal,
  type StoreFailure,
  type SyncRateLimiter,
} from "../src/index.ts";

const setUp = (rules: Parameters<typeof createRateLimiter>[0]["rules"]) => {
  const clock = createManualClock();
  return { clock, limiter: createRateLimiter({ rules, store: memoryStore({ clock }) }) };
};

describe("a limiter", () => {
  it("lets the burst through at once, then the rate", async () => {
    const { clock, limiter } = setUp({ limit: 2, window: "1s", burst: 3 });
    for (let call = 0; call < 3; call++) expect((await limiter.consume("k")).allowed).toBe(true);
    const refused = await limiter.consume("k");
    expect(refused).toMatchObject({ allowed: false, outcome: "refused", retryAfterMs: 500, remaining: 0 });
    clock.advance(499);
    expect((await limiter.consume("k")).allowed).toBe(false);
    clock.advance(1);
    expect((await limiter.consume("k")).allowed).toBe(true);
    expect((await limiter.consume("k")).allowed).toBe(false);
  });

  it("takes nothing for a refused call", async () => {
    const { clock, limiter } = setUp("10/second");
    await limiter.consume("k", { cost: 8 });
    for (let call = 0; call < 100; call++) expect((await limiter.consume("k", { cost: 3 })).allowed).toBe(false);
    expect((await limiter.consume("k", { cost: 2 })).allowed).toBe(true);
    clock.advance(300);
    expect((await limiter.consume("k", { cost: 3 })).allowed).toBe(true);
  });

  it("decides several rules together: a refusal by one spends none of the other", async () => {
    const { clock, limiter } = setUp(["2/second", "3/hour"]);
    await limiter.consume("k");
    await limiter.consume("k");
    for (let call = 0; call < 50; call++) expect((await limiter.consume("k")).allowed).toBe(false);
    clock.advance(1000);
    const third = await limiter.consume("k");
    expect(third.rules.map(({ name, remaining }) => [name, remaining])).toEqual([
      ["2/1s", 1],
      ["3/1h", 0],
    ]);
    const refused = await limiter.consume("k");
    expect(refused.rules.map(({ fits }) => fits)).toEqual([true, false]);
    // 3 an hour is one in 20 minutes, and one second of the first has passed.
    expect(refused.retryAfterMs).toBe(1_200_000 - 1000);
  });

  it("answers a cost above what a bucket ever holds by an outcome of its own, and takes nothing", async () => {
    const { limiter } = setUp(["10/second", { limit: 1000, window: "1h", burst: 5 }]);
    const never = await limiter.consume("k", { cost: 6 });
    expect(never).toMatchObject({ allowed: false, outcome: "over-capacity", retryAfterMs: Number.POSITIVE_INFINITY });
    expect(limiter.consumeSync("k", { cost: 6 }).outcome).toBe("over-capacity");
    expect((await limiter.consume("k", { cost: 5 })).allowed).toBe(true);
  });

  it("lets a cost of 0 pass and takes nothing", async () => {
    const { limiter } = setUp("1/hour");
    await limiter.consume("k");
    expect(await limiter.consume("k", { cost: 0 })).toMatchObject({ allowed: true, remaining: 0 });
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "1"])("refuses a cost of %s", async (cost) => {
    const { limiter } = setUp("1/hour");
    await expect(limiter.consume("k", { cost: cost as number })).rejects.toMatchObject({ code: "INVALID_COST" });
    expect(() => limiter.consumeSync("k", { cost: cost as number })).toThrow(RateLimiterError);
  });

  it.each(["", undefined, null, 7])("refuses %j for a key", async (key) => {
    const { limiter } = setUp("1/hour");
    await expect(limiter.consume(key as string)).rejects.toMatchObject({ code: "INVALID_KEY" });
  });

  it("tells how a key stands without taking anything", async () => {
    const { limiter } = setUp("5/hour");
    await limiter.consume("k", { cost: 2 });
    for (let call = 0; call < 3; call++) expect(await limiter.peek("k")).toMatchObject({ allowed: true, remaining: 3 });
    expect(await limiter.peek("unknown")).toMatchObject({ remaining: 5 });
  });

  it("gives back what turned out not to count, up to a full bucket", async () => {
    const { limiter } = setUp("5/hour");
    await limiter.consume("k", { cost: 4 });
    await limiter.refund("k", { cost: 3 });
    expect((await limiter.peek("k")).remaining).toBe(4);
    await limiter.refund("k", { cost: 100 });
    expect((await limiter.peek("k")).remaining).toBe(5);
    await limiter.refund("never seen");
    expect((await limiter.peek("never seen")).remaining).toBe(5);
  });

  it("makes a key's buckets full on reset", async () => {
    const { limiter } = setUp("2/hour");
    await limiter.consume("k", { cost: 2 });
    await limiter.reset("k");
    expect((await limiter.peek("k")).remaining).toBe(2);
  });

  it("decides a call by other rules when it is given some, in buckets of their own", async () => {
    const { limiter } = setUp("1/hour");
    const plan = ["3/hour"];
    await limiter.consume("k");
    for (let call = 0; call < 3; call++) expect((await limiter.consume("k", { rules: plan })).allowed).toBe(true);
    expect((await limiter.consume("k", { rules: plan })).allowed).toBe(false);
    expect((await limiter.consume("k", { rules: "3/hour" })).allowed).toBe(false);
    expect((await limiter.consume("k", { rules: "nonsense" }).catch((error) => error)).code).toBe("INVALID_RULE");
  });

  it("stops for an aborted signal, with its reason", async () => {
    const { limiter } = setUp("1/hour");
    const reason = new Error("gone");
    await expect(limiter.consume("k", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await limiter.peek("k")).remaining).toBe(1);
  });

  it.each([["3/hour"], [["3/hour", "5/day"]]])(
    "a decision keeps its figures, whatever is asked after it: %j",
    async (rules) => {
      const { limiter } = setUp(rules);
      const first = limiter.consumeSync("k");
      const [second] = await limiter.consumeMany([{ key: "k" }, { key: "k" }]);
      const refused = limiter.consumeSync("k");
      limiter.consumeSync("another", { cost: 3 });
      expect([first.remaining, second?.remaining, refused.remaining]).toEqual([2, 1, 0]);
      expect([first.outcome, refused.outcome]).toEqual(["allowed", "refused"]);
    },
  );

  it("prints as what it decided", async () => {
    const { limiter } = setUp("60/minute");
    expect(JSON.parse(JSON.stringify(await limiter.consume("k")))).toMatchObject({
      allowed: true,
      outcome: "allowed",
      remaining: 59,
      retryAfterMs: 0,
      rules: [{ name: "60/1m", remaining: 59, nextTokenMs: 1000, fullMs: 1000 }],
    });
  });

  it.each(["", "ü", "a\nb"])("refuses %j for a name", (name) => {
    expect(() => createRateLimiter({ name, rules: "1/second" })).toThrow(RateLimiterError);
  });

  it("closes the store that it made and leaves one that it was given", async () => {
    const { limiter } = setUp("1/hour");
    await limiter.consume("k");
    await limiter.close();
    expect((await limiter.consume("k")).allowed).toBe(false);
    await using own = createRateLimiter({ rules: "1/hour" });
    expect((await own.consume("k")).allowed).toBe(true);
  });

  it("has a synchronous form where its store has one, by type too", () => {
    expectTypeOf(createRateLimiter({ rules: "1/second" })).toEqualTypeOf<SyncRateLimiter>();
    expectTypeOf(createRateLimiter({ rules: "1/second", store: memoryStore() })).toEqualTypeOf<SyncRateLimiter>();
    expectTypeOf(createRateLimiter({ rules: "1/second", store: {} as RateLimitStore })).toEqualTypeOf<RateLimiter>();
  });

  it("narrows by `allowed`", () => {
    const narrow = (decision: Decision) => {
      if (decision.allowed) expectTypeOf(decision.outcome).toEqualTypeOf<"allowed" | "degraded">();
      else {
        expectTypeOf(decision).toEqualTypeOf<Refusal>();
        expectTypeOf(decision.outcome).toEqualTypeOf<
          "refused" | "blocked" | "over-capacity" | "crowded" | "degraded"
        >();
      }
      if (decision.outcome === "degraded") expectTypeOf(decision.reason).toEqualTypeOf<StoreFailure>();
    };
    expect(narrow).toBeTypeOf("function");
  });
});
