import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRule } from "../src/rule.ts";
import { fits, refunded, remainingTokens, untilFull, untilNextToken, usedAt, waitFor } from "../src/token-bucket.ts";
import { anyRule } from "./arbitraries.ts";

const rule = (limit: number, window: number | string, burst?: number) => compileRule({ limit, window, burst });

describe("the token bucket", () => {
  it("neither gains nor loses a unit over a day of uneven polls", () => {
    // 9 ms polls at 100 a minute: an engine that counts whole tokens and sets its clock each time would never refill.
    const hundred = rule(100, "1m");
    let used = hundred.capacityUnits;
    let at = 0;
    for (let now = 9; now <= 9000; now += 9) {
      used = usedAt(hundred, used, at, now);
      at = now;
    }
    expect(remainingTokens(hundred, used)).toBe(15);
    expect(hundred.capacityUnits - used).toBe((9000 * 100 * hundred.tokenUnits) / 60_000);
  });

  it.each([300, 999, 1500, 7919, 999_983])(
    "lets %i a second through, not what a rounded interval between two would let through",
    (limit) => {
      const made = rule(limit, "1s");
      let used = 0;
      let passed = 0;
      for (let now = 0; now < 7000; now++) {
        used = usedAt(made, used, now - 1, now);
        const tokens = remainingTokens(made, used);
        used += tokens * made.tokenUnits;
        passed += tokens;
      }
      expect(passed).toBe(limit + Math.floor((limit * 6999) / 1000));
    },
  );

  it("refills nothing when time steps back", () => {
    const ten = rule(10, "1s");
    expect(usedAt(ten, ten.capacityUnits, 5000, 1000)).toBe(ten.capacityUnits);
  });

  it("is full after any idle time, however long", () => {
    const odd = rule(999_983, "1d", 1000);
    expect(usedAt(odd, odd.capacityUnits, 0, Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  it("never lets a cost above its capacity pass, and says that no wait helps", () => {
    const five = rule(5, "1s");
    expect(fits(five, 0, 6)).toBe(false);
    expect(waitFor(five, 0, 6)).toBe(Number.POSITIVE_INFINITY);
  });

  it("says the first millisecond at which a cost fits, and not one earlier", () => {
    fc.assert(
      fc.property(
        anyRule,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (any, share, cost) => {
          const made = rule(any.limit, any.windowMs, any.burst);
          const wanted = Math.min(cost, made.burst);
          const used = Math.floor(made.capacityUnits * share);
          const wait = waitFor(made, used, wanted);
          expect(fits(made, usedAt(made, used, 0, wait), wanted)).toBe(true);
          if (wait > 0) expect(fits(made, usedAt(made, used, 0, wait - 1), wanted)).toBe(false);
        },
      ),
    );
  });

  it("says the first millisecond at which it is full", () => {
    fc.assert(
      fc.property(anyRule, fc.double({ min: 0, max: 1, noNaN: true }), (any, share) => {
        const made = rule(any.limit, any.windowMs, any.burst);
        const used = Math.floor(made.capacityUnits * share);
        const wait = untilFull(made, used);
        expect(usedAt(made, used, 0, wait)).toBe(0);
        if (wait > 0) expect(usedAt(made, used, 0, wait - 1)).toBeGreaterThan(0);
      }),
    );
  });

  it("says when the next whole token comes", () => {
    fc.assert(
      fc.property(anyRule, fc.double({ min: 0, max: 1, noNaN: true }), (any, share) => {
        const made = rule(any.limit, any.windowMs, any.burst);
        const used = Math.floor(made.capacityUnits * share);
        const now = remainingTokens(made, used);
        const wait = untilNextToken(made, used);
        if (now === made.burst) return;
        expect(remainingTokens(made, usedAt(made, used, 0, wait))).toBeGreaterThan(now);
        expect(remainingTokens(made, usedAt(made, used, 0, wait - 1))).toBe(now);
      }),
    );
  });

  it("gives back no more than a full bucket holds", () => {
    const ten = rule(10, "1s");
    expect(refunded(ten, 3 * ten.tokenUnits, 2)).toBe(ten.tokenUnits);
    expect(refunded(ten, 3 * ten.tokenUnits, 2 ** 53)).toBe(0);
  });
});
