import { describe, expect, it } from "vitest";
import { createRateLimiter, RateLimiterError, type RuleInput } from "../src/index.ts";
import { compileRule, compileRules } from "../src/rule.ts";

const refused = (input: RuleInput) => {
  try {
    compileRule(input);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("a rule", () => {
  it("is read from a string, with the burst at the limit and a name that says it", () => {
    expect(compileRule("60/minute")).toMatchObject({ limit: 60, windowMs: 60_000, burst: 60, name: "60/1m" });
    expect(compileRule("100/15m").name).toBe("100/15m");
    expect(compileRule("5/250ms").name).toBe("5/250ms");
    expect(compileRule("5/90s").name).toBe("5/90s");
  });

  it("counts in the smallest whole units", () => {
    expect(compileRule("1000000/day")).toMatchObject({ tokenUnits: 432, refillUnits: 5 });
    expect(compileRule("1000/second")).toMatchObject({ tokenUnits: 1, refillUnits: 1 });
  });

  it("takes any window from 1 ms to a year", () => {
    expect(compileRule({ limit: 1, window: 1 }).windowMs).toBe(1);
    expect(compileRule({ limit: 1000, window: "366d" }).windowMs).toBe(31_622_400_000);
    expect(refused({ limit: 1, window: "367d" })).toMatchObject({ code: "INVALID_RULE" });
    expect(refused({ limit: 1, window: 0 })).toMatchObject({ code: "INVALID_RULE" });
  });

  it.each<[string, RuleInput]>([
    ["no limit", "0/minute"],
    ["half a token", { limit: 1.5, window: "1s" }],
    ["a negative burst", { limit: 1, window: "1s", burst: -1 }],
    ["a burst of 0", { limit: 1, window: "1s", burst: 0 }],
    ["words", "sixty a minute"],
    ["no window", { limit: 1 } as never],
    ["nothing", undefined as never],
  ])("refuses %s", (_, input) => {
    expect(refused(input)).toBeInstanceOf(RateLimiterError);
    expect(refused(input)).toMatchObject({ code: "INVALID_RULE" });
  });

  it("refuses what can't be counted exactly, and says what to do", () => {
    const error = refused({ limit: 999_983, window: "365d", burst: 999_983 });
    expect(error).toMatchObject({ code: "INVALID_RULE", message: expect.stringContaining("rounder limit") });
  });

  it.each(["", "naïve", "a\r\nx: y", "x".repeat(65), "\u0000"])(
    "refuses a name that no header can carry: %j",
    (name) => {
      expect(refused({ limit: 1, window: "1s", name })).toMatchObject({ code: "INVALID_RULE" });
    },
  );

  it("shares a limiter with at most 7 others, each of its own name", () => {
    expect(() => compileRules("api", [])).toThrow(RateLimiterError);
    expect(() =>
      compileRules(
        "api",
        Array.from({ length: 9 }, (_, index) => `${index + 1}/second`),
      ),
    ).toThrow("1 to 8");
    expect(() => compileRules("api", ["1/second", "1/1s"])).toThrow("name them apart");
    expect(() => createRateLimiter({ rules: [] })).toThrow(RateLimiterError);
  });

  it("has another id under another limiter, so that buckets never meet", () => {
    const ids = [compileRules("a", ["1/second"]), compileRules("a1", ["1/second"]), compileRules("a", ["2/second"])];
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });
});
