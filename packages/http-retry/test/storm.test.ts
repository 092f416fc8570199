import { beforeAll, describe, expect, it } from "vitest";
import { CAPACITY, DROP, type Storm, simulateStorm } from "./storm/simulation.ts";

// Half a million attempts take their time on a busy machine.
const PATIENCE_MS = 120_000;

const peak = ({ attempts }: Storm): number => Math.max(...attempts);
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** 100 clients with ten requests a second each; the server falls to a tenth of its capacity for 30 s. */
describe("a storm", () => {
  let blind: Storm;
  let jittered: Storm;
  let budgeted: Storm;
  let broken: Storm;
  beforeAll(() => {
    blind = simulateStorm({ jitter: "none", budget: false }, 1);
    jittered = simulateStorm({ budget: false }, 1);
    budgeted = simulateStorm({}, 1);
    broken = simulateStorm({ breaker: true }, 1);
  }, PATIENCE_MS);

  it("multiplies the load on the server where nothing bounds retries, with jitter and without", () => {
    expect(blind.load).toBeGreaterThan(4);
    expect(jittered.load).toBeGreaterThan(4);
    expect(peak(jittered)).toBeGreaterThan(3 * CAPACITY);
  });

  it("adds no more than the budget's ratio and reserve to it by default", () => {
    // 300 requests of a client while capacity is low: a fifth of them, and ten.
    expect(budgeted.load).toBeLessThanOrEqual(1 + 0.2 + 10 / 300);
    expect(peak(budgeted)).toBeLessThan(CAPACITY);
  });

  it("is over within a second of the server's recovery with a budget, and many seconds later without", () => {
    expect(budgeted.recoveryMs).toBeLessThan(1000);
    expect(jittered.recoveryMs).toBeGreaterThan(5000);
    expect(blind.recoveryMs).toBeGreaterThan(5000);
  });

  it("is mostly kept away from the server by a breaker, which lets requests pass again within its open time", () => {
    expect(broken.load).toBeLessThan(0.7);
    expect(broken.recoveryMs).toBeLessThanOrEqual(10_000);
  });

  it("leaves each request with one attempt, as it was before", () => {
    for (const { attempts, answers } of [blind, jittered, budgeted, broken]) {
      expect(sum(attempts.slice(0, DROP.fromMs / 1000))).toBe(10_000);
      expect([sum(attempts.slice(-10)), sum(answers.slice(-10))]).toEqual([10_000, 10_000]);
    }
  });

  it(
    "comes to the same again with the same seed",
    () => {
      expect(simulateStorm({}, 1)).toEqual(budgeted);
      expect(simulateStorm({}, 2)).not.toEqual(budgeted);
    },
    PATIENCE_MS,
  );
});
