import { describe, expect, it } from "vitest";
import { type Use, worstExcess } from "./uses.ts";

const rule = { limit: 10, window: 1000, burst: 5 };
const at = (ms: number, tokens = 1, tookMs = 0): Use => ({ before: ms, after: ms + tookMs, tokens });

describe("the worst excess over burst + rate x time", () => {
  it("is the burst's and the time's last token at most, where every token came in time", () => {
    const uses = [at(0, 5), ...Array.from({ length: 50 }, (_, index) => at(100 * (index + 1)))];
    expect(worstExcess(uses, rule).tokens).toBeLessThanOrEqual(0);
  });

  it("is found on whatever interval it lies", () => {
    const uses = [at(0, 5), at(10_000, 5), at(10_050), at(20_000, 5)];
    const { tokens, fromMs, toMs } = worstExcess(uses, rule);
    expect(tokens).toBeCloseTo(0.49, 2);
    expect([fromMs, toMs]).toEqual([10_000, 10_050]);
  });

  it("does not count what may have been used before or after", () => {
    expect(worstExcess([at(0, 5), at(1, 1, 100)], rule).tokens).toBeLessThanOrEqual(0);
  });
});
