import * as fc from "fast-check";
import { expect, it } from "vitest";
import { makeFleet } from "./lease-fleet.ts";
import { ModelBucket } from "./model.ts";

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

it("leases never let more pass than burst + rate x time on any interval, over any number of instances, delays and crashes", async () => {
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
