import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { runAndKill, runToEnd, serverUrl } from "@holdfast/testing";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LeaseRequest, LeasingStore, StoreReading } from "../src/index.ts";
import { compileRules, type RuleSet } from "../src/rule.ts";
import { anyRules } from "./arbitraries.ts";
import { leaseModel } from "./lease-model.ts";
import { lendingStores, type OpenLending } from "./lending-stores.ts";
import { asInputs } from "./model.ts";
import { type Use, worstExcess } from "./uses.ts";

const child = (name: string): string => join(import.meta.dirname, `children/${name}.ts`);
/** A space that nobody else uses. */
const newSpace = (): string => `leases_${randomBytes(6).toString("hex")}`;

describe("two processes with leases use more than burst + rate x time on no interval, and most of what the rule allows:", () => {
  const pairs = [
    ["redis", ["ioredis", "redis"]],
    ["postgres", ["pg", "pg"]],
  ] as const;

  it.each(pairs)("on one server of %s", async (server, libraries) => {
    const rule = { limit: 1000, window: 1000, burst: 300 };
    const space = newSpace();
    const runs = await Promise.all(
      libraries.map((library) =>
        runToEnd(child("lease-user"), {
          args: [serverUrl(server), library, space, JSON.stringify(rule), "1500", "30"],
        }),
      ),
    );
    const uses = runs.map(({ stdout }) => JSON.parse(stdout) as Use[]);
    expect(Math.min(...uses.map(({ length }) => length))).toBeGreaterThan(0);
    expect(worstExcess(uses.flat(), rule).tokens).toBeLessThanOrEqual(0);
    // Five rests of 150 ms each fill the bucket by half; leases that nobody spends in that time keep some of it out.
    expect(uses.flat().length).toBeGreaterThan(0.5 * 1500);
  });
});

describe.each(lendingStores)("over $server by $library", ({ library, server, open }) => {
  const time = { at: 0, now: () => time.at };
  let lending: OpenLending;
  const space = newSpace();
  beforeAll(async () => {
    lending = await open(serverUrl(server), { space, time });
  });
  afterAll(() => lending[Symbol.asyncDispose]());

  it("the tokens of a holder that is killed come back when its lease is over, and not a millisecond sooner", async () => {
    // What is not lent is back within a millisecond.
    const rule = { limit: 1000, window: 1, burst: 300 };
    const [start, ttlMs] = [1_000_000, 60_000];
    const args = [serverUrl(server), library, space, JSON.stringify(rule), "30", `${ttlMs}`, `${start}`];
    await runAndKill(child("lease-holder"), { at: "held", args });
    const rules = compileRules("held", [rule]);
    const passes = async (cost: number) => (await lending.store.consume(rules, "k", cost)).outcome === "passed";
    time.at = start + ttlMs - 1;
    expect([await passes(271), await passes(270)]).toEqual([false, true]);
    time.at = start + ttlMs + 1;
    expect([await passes(300), await passes(1)]).toEqual([true, false]);
  });

  it("any leases, calls and refunds come out as in the model, for times back and forth", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(anyRules, anyMoves, async (inputs, moves) => {
        const rules = compileRules(`model ${runs++}`, asInputs(inputs));
        const model = leaseModel(time.now);
        time.at = 10_000;
        for (const [number, move] of moves.entries()) {
          time.at = Math.max(1, time.at + move.elapsed);
          const found = await play(lending.store, rules, move, number);
          const expected = await play(model, rules, move, number);
          expect({ number, ...found }).toEqual({ number, ...expected });
        }
      }),
      { numRuns: 100 },
    );
  });
});

interface Call {
  readonly kind: "consume" | "refund";
  readonly elapsed: number;
  readonly tokens: number;
}

interface Lease extends Omit<LeaseRequest, "id" | "returned"> {
  readonly kind: "lease";
  readonly elapsed: number;
  /** Given back is the lease that was taken so many moves before, if one was. */
  readonly back: number;
  readonly unspent: number;
}

async function play(store: LeasingStore, rules: RuleSet, move: Call | Lease, number: number): Promise<StoreReading> {
  if (move.kind === "consume") return store.consume(rules, "k", Math.min(move.tokens, rules.smallestBurst));
  if (move.kind === "lease") {
    const { back, unspent, tokens, least, ttlMs } = move;
    return store.lease(rules, "k", {
      id: `${number}`,
      tokens,
      least,
      ttlMs,
      returned: { id: `${number - back}`, unspent },
    });
  }
  await store.refund(rules, "k", move.tokens);
  return store.peek(rules, "k");
}

const anyElapsed = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 10_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -5000, max: -1 }) },
);
const anyTokens = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 40 }));
const anyCall: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom("consume" as const, "refund" as const),
  elapsed: anyElapsed,
  tokens: anyTokens,
});
const anyLease: fc.Arbitrary<Lease> = fc.record({
  kind: fc.constant("lease" as const),
  elapsed: anyElapsed,
  tokens: anyTokens,
  least: fc.integer({ min: 0, max: 5 }),
  ttlMs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100_000 })),
  back: fc.integer({ min: 1, max: 4 }),
  unspent: anyTokens,
});
const anyMoves = fc.array(fc.oneof(anyCall, anyLease), { minLength: 1, maxLength: 40 });
