import { createManualClock, systemClock } from "@holdfast/core";
import * as fc from "fast-check";
import { parseList } from "structured-headers";
import { describe, expect, it } from "vitest";
import { rateLimitFields } from "../src/http/headers.ts";
import { createRateLimiter, memoryStore, type RuleInput } from "../src/index.ts";
import { anyRules, anySteps } from "./arbitraries.ts";
import { asInputs } from "./model.ts";

const limiterOf = (...rules: RuleInput[]) => {
  const clock = createManualClock();
  return { clock, limiter: createRateLimiter({ rules, store: memoryStore({ clock }) }) };
};

const anyPenalty = fc.option(
  fc.record({
    refusals: fc.integer({ min: 1, max: 3 }),
    within: fc.constant("1h"),
    block: fc.constantFrom("1ms", "90s"),
  }),
  { nil: undefined },
);

const fieldsOf = (decision: Parameters<typeof rateLimitFields>[0]) =>
  Object.fromEntries(rateLimitFields(decision, "ietf", systemClock));

describe("the RateLimit fields", () => {
  it("name each policy with its quota and window, and say what is left of it and when more comes", () => {
    const { limiter } = limiterOf(
      { limit: 100, window: "1m", name: "burst" },
      { limit: 1000, window: "1d", name: "daily" },
    );
    const fields = fieldsOf(limiter.consumeSync("k", { cost: 50 }));
    expect(fields).toEqual({
      "ratelimit-policy": '"burst";q=100;w=60, "daily";q=1000;w=86400',
      ratelimit: '"burst";r=50;t=1, "daily";r=950;t=87',
    });
  });

  it("leave the time out of a full bucket, and the window out of a policy that has no whole seconds", () => {
    const { limiter } = limiterOf({ limit: 5, window: "250ms" });
    expect(fieldsOf(limiter.consumeSync("k", { cost: 0 }))).toEqual({
      "ratelimit-policy": '"5/250ms";q=5',
      ratelimit: '"5/250ms";r=5',
    });
  });

  it("of a refusal tell the time of those that refused alone, and Retry-After is the longest", () => {
    const { limiter } = limiterOf(
      { limit: 1, window: "10s", name: "slow" },
      { limit: 10, window: "1d", name: "daily" },
    );
    limiter.consumeSync("k");
    expect(fieldsOf(limiter.consumeSync("k"))).toMatchObject({
      ratelimit: '"slow";r=0;t=10, "daily";r=9',
      "retry-after": "10",
    });
  });

  it("promise no time to a cost that never fits", () => {
    const { limiter } = limiterOf("5/minute");
    expect(fieldsOf(limiter.consumeSync("k", { cost: 6 }))).not.toHaveProperty("retry-after");
  });

  it("escape a name as a structured field's String", () => {
    const { limiter } = limiterOf({ limit: 1, window: "1s", name: 'say "hi" \\ now' });
    const fields = fieldsOf(limiter.consumeSync("k"));
    expect(fields["ratelimit-policy"]).toBe('"say \\"hi\\" \\\\ now";q=1;w=1');
    expect(parseList(fields["ratelimit"] as string)[0]?.[0]).toBe('say "hi" \\ now');
  });

  it("are structured fields, with Retry-After never earlier than any t, whatever the rules and the calls", () => {
    fc.assert(
      fc.property(anyRules, anySteps, anyPenalty, (rules, steps, penalty) => {
        const clock = createManualClock();
        const limiter = createRateLimiter({ rules: asInputs(rules), penalty, store: memoryStore({ clock }) });
        for (const { elapsed, key, cost } of steps) {
          clock.advance(Math.max(0, elapsed));
          const decision = limiter.consumeSync(key, { cost });
          const fields = fieldsOf(decision);
          expect(parseList(fields["ratelimit-policy"] as string)).toHaveLength(rules.length);
          const state = parseList(fields["ratelimit"] as string);
          expect(state).toHaveLength(rules.length);
          for (const [, parameters] of state) {
            expect(parameters.get("r")).toBeGreaterThanOrEqual(0);
            if (!fields["retry-after"] || !parameters.has("t")) continue;
            expect(Number(fields["retry-after"])).toBeGreaterThanOrEqual(parameters.get("t") as number);
          }
          if (decision.outcome === "refused" || decision.outcome === "blocked") {
            expect(Number(fields["retry-after"]) * 1000).toBeGreaterThanOrEqual(decision.retryAfterMs);
          }
        }
      }),
    );
  });
});

describe("the fields of older drafts", () => {
  const decided = () => {
    const { limiter } = limiterOf("100/minute", "10/hour");
    limiter.consumeSync("k", { cost: 9 });
    return limiter.consumeSync("k", { cost: 5 });
  };
  const olderOf = (style: "draft-7" | "draft-6" | "x-ratelimit") => {
    return Object.fromEntries(rateLimitFields(decided(), style, createManualClock(1_000_000)));
  };

  it("tell of the rule that is nearest to refusing, in draft-7's one field", () => {
    expect(olderOf("draft-7")).toEqual({
      "ratelimit-policy": "10;w=3600",
      ratelimit: "limit=10, remaining=1, reset=3240",
      "retry-after": "1440",
    });
  });

  it("are four in draft-6", () => {
    expect(olderOf("draft-6")).toMatchObject({
      "ratelimit-policy": "10;w=3600",
      "ratelimit-limit": "10",
      "ratelimit-remaining": "1",
      "ratelimit-reset": "3240",
    });
  });

  it("give the reset in seconds since the epoch where they begin with X", () => {
    expect(olderOf("x-ratelimit")).toMatchObject({
      "x-ratelimit-limit": "10",
      "x-ratelimit-remaining": "1",
      "x-ratelimit-reset": "4240",
    });
  });
});
