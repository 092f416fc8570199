import { createManualClock, type ManualClock } from "@holdfast/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRateLimiter, type LeaseOptions, type LeasingStore, RateLimiterError, withLeases } from "../src/index.ts";
import { leaseModel } from "./lease-model.ts";
import { ModelBucket } from "./model.ts";

interface Fleet {
  readonly clock: ManualClock;
  readonly asked: () => number;
  consume(node: number, cost?: number): Promise<boolean>;
  crash(node: number): void;
  close(node: number): Promise<void>;
}

/** Instances with leases on one store that lends; a request takes `delayMs` to it and as long back. */
function makeFleet(
  nodes: number,
  rules: { limit: number; window: number; burst: number },
  options: LeaseOptions,
  delayMs = 0,
): Fleet {
  const clock = createManualClock();
  const model = leaseModel(() => Math.floor(clock.monotonic()));
  let asked = 0;
  const travel = () =>
    delayMs === 0 ? Promise.resolve() : new Promise<void>((resolve) => void clock.schedule(resolve, delayMs));
  const far =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      asked++;
      await travel();
      const answer = await call(...args);
      await travel();
      return answer;
    };
  const store: LeasingStore = { ...model, consume: far(model.consume), lease: far(model.lease) };
  const start = () => {
    const leased = withLeases(store, { ...options, clock });
    return { leased, limiter: createRateLimiter({ rules, store: leased, clock, whenStoreFails: "reject" }) };
  };
  const fleet = Array.from({ length: nodes }, start);
  return {
    clock,
    asked: () => asked,
    consume: async (node, cost = 1) => (await fleet[node]!.limiter.consume("k", { cost })).allowed,
    crash(node) {
      fleet[node] = start();
    },
    async close(node) {
      await fleet[node]!.leased.close();
      fleet[node] = start();
    },
  };
}

type Move =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "use"; readonly node: number; readonly cost: number; readonly times: number }
  | { readonly kind: "crash" | "close"; readonly node: number };

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5000 })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("use" as const),
      node: fc.nat(3),
      cost: fc.integer({ min: 1, max: 3 }),
      times: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "close" as const), node: fc.nat(3) }) },
);

describe("leases", () => {
  it("never let more pass than burst + rate x time on any interval, over any number of instances, delays and crashes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.integer({ min: 1, max: 200 }),
          window: fc.integer({ min: 100, max: 5000 }),
          burst: fc.integer({ min: 20, max: 300 }),
        }),
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 20, max: 3000 }),
        fc.constantFrom(0, 0, 3, 40),
        fc.array(anyMove, { minLength: 5, maxLength: 60 }),
        async (rules, tokens, ttl, delayMs, moves) => {
          const fleet = makeFleet(4, rules, { tokens, ttl }, delayMs);
          // A bucket of the same burst and rate that every use is taken from: it never runs dry, or some interval had too many.
          const bound = new ModelBucket({ limit: rules.limit, windowMs: rules.window, burst: rules.burst });
          const uses: Promise<void>[] = [];
          let excess = 0;
          const use = async (node: number, cost: number) => {
            if (!(await fleet.consume(node, cost))) return;
            const now = Math.floor(fleet.clock.monotonic());
            if (!bound.fits(now, cost)) excess++;
            bound.take(now, cost);
          };
          for (const move of moves) {
            if (move.kind === "wait") await fleet.clock.advanceAsync(move.ms);
            else if (move.kind === "use")
              for (let time = 0; time < move.times; time++) uses.push(use(move.node, move.cost));
            else if (move.kind === "crash") fleet.crash(move.node);
            else uses.push(fleet.close(move.node));
            await new Promise(setImmediate);
          }
          for (let round = 0; round < 40; round++) await fleet.clock.advanceAsync(delayMs * 2 + 1);
          await Promise.all(uses);
          expect(excess).toBe(0);
        },
      ),
      { numRuns: 120 },
    );
  });

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
    await fleet.clock.advanceAsync(789);
    expect(await fleet.consume(0)).toBe(true);
    expect(fleet.asked()).toBe(asked);
    await fleet.clock.advanceAsync(1);
    const late = fleet.consume(0);
    await fleet.clock.advanceAsync(200);
    expect(await late).toBe(true);
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
    const clock = createManualClock();
    const model = leaseModel(() => clock.monotonic());
    let leases = 0;
    const counting: LeasingStore = { ...model, lease: (...call) => model.lease(...call).finally(() => leases++) };
    const limiter = createRateLimiter({
      rules: "1000/minute",
      store: withLeases(counting, { maxKeys: 5, clock }),
      clock,
    });
    for (let key = 0; key < 50; key++) await limiter.consume(`k${key}`);
    expect(leases).toBe(5);
    await clock.advanceAsync(2000);
    await limiter.consume("later");
    expect(leases).toBe(6);
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
