import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRetryBudget, type RetryBudget } from "../src/policy/budget.ts";

/** How many retries are made where as many as may be are wanted. */
const drain = (budget: RetryBudget): number => {
  let made = 0;
  while (budget.withdraw()) made++;
  return made;
};

const deposit = (budget: RetryBudget, requests: number): void => {
  for (let request = 0; request < requests; request++) budget.deposit();
};

describe("a retry budget", () => {
  it("has its reserve from the start", () => {
    expect(drain(createRetryBudget({ ratio: 0.2, reserve: 10 }))).toBe(10);
  });

  it("lets one in five requests be tried again from then on", () => {
    const budget = createRetryBudget({ ratio: 0.2, reserve: 10 });
    drain(budget);
    let made = 0;
    for (let request = 0; request < 1000; request++) {
      budget.deposit();
      if (budget.withdraw()) made++;
    }
    expect(made).toBe(200);
  });

  it("saves up no more than its reserve in good days", () => {
    const budget = createRetryBudget({ ratio: 0.2, reserve: 10 });
    deposit(budget, 100_000);
    expect(drain(budget)).toBe(10);
  });

  it("saves up one retry where it has no reserve", () => {
    const budget = createRetryBudget({ ratio: 0.1, reserve: 0 });
    expect(drain(budget)).toBe(0);
    deposit(budget, 1000);
    expect(drain(budget)).toBe(1);
  });

  it("counts ten tenths as a whole one", () => {
    const budget = createRetryBudget({ ratio: 0.1, reserve: 1 });
    drain(budget);
    deposit(budget, 9);
    expect(budget.withdraw()).toBe(false);
    budget.deposit();
    expect(budget.withdraw()).toBe(true);
  });

  it("lets no retry pass at a ratio of 0 once its reserve is used", () => {
    const budget = createRetryBudget({ ratio: 0, reserve: 2 });
    drain(budget);
    deposit(budget, 100_000);
    expect(drain(budget)).toBe(0);
  });

  it("never lets more than the reserve and the ratio pass, whatever the order, and refuses none that they have room for", () => {
    const anyRatio = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
    fc.assert(
      fc.property(anyRatio, fc.nat(20), fc.array(fc.boolean(), { maxLength: 500 }), (ratio, reserve, steps) => {
        const budget = createRetryBudget({ ratio, reserve });
        const most = Math.max(reserve, 1) * 1000;
        let thousandths = reserve * 1000;
        let [requests, retries] = [0, 0];
        for (const isRequest of steps) {
          if (isRequest) {
            budget.deposit();
            requests++;
            thousandths = Math.min(most, thousandths + Math.round(ratio * 1000));
          } else {
            const passed = budget.withdraw();
            expect(passed).toBe(thousandths >= 1000);
            if (passed) {
              retries++;
              thousandths -= 1000;
            }
          }
          expect(thousandths).toBeGreaterThanOrEqual(0);
          expect(retries).toBeLessThanOrEqual(reserve + requests * ratio + 1e-9);
        }
      }),
    );
  });
});
