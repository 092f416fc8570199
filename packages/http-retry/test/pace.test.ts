import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HeaderFields } from "../src/policy/fields.ts";
import { createPace } from "../src/policy/pace.ts";

const NOW = Date.UTC(2026, 10, 21);
const POLICY = { "ratelimit-policy": '"default";q=100;w=60' };

const after = (headers: HeaderFields, nowMs = NOW) => {
  const pace = createPace();
  pace.note(headers, nowMs);
  return pace;
};

describe("a pace", () => {
  it("holds nothing back before the server has said anything", () => {
    expect(createPace().waitMs(NOW)).toBe(0);
  });

  it("holds nothing back while there is plenty", () => {
    const pace = after({ ...POLICY, ratelimit: '"default";r=60;t=30' });
    expect([pace.waitMs(NOW), pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 0, 0]);
  });

  it("spreads what is left over the time until there is more", () => {
    const pace = after({ ...POLICY, ratelimit: '"default";r=10;t=30' });
    expect([pace.waitMs(NOW), pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 3000, 6000]);
    expect(pace.waitMs(NOW + 9000)).toBe(0);
  });

  it("waits until there is more where nothing is left, and lets those who waited go one after the other", () => {
    const pace = after({ ...POLICY, ratelimit: '"default";r=0;t=30' });
    expect([pace.waitMs(NOW), pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([30_000, 30_300, 30_600]);
  });

  it("holds nothing back when the time is over", () => {
    expect(after({ ratelimit: '"default";r=0;t=30' }).waitMs(NOW + 30_000)).toBe(0);
  });

  it("takes the most that was ever left for the limit where the server doesn't tell it", () => {
    const pace = after({ ratelimit: '"default";r=99;t=60' });
    pace.note({ ratelimit: '"default";r=20;t=40' }, NOW);
    expect([pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 2000]);
  });

  it("goes by the scarcest quota", () => {
    const pace = after({
      "ratelimit-policy": '"burst";q=100, "daily";q=1000',
      ratelimit: '"burst";r=10;t=1, "daily";r=20;t=100',
    });
    expect([pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 5000]);
  });

  it("reads the older fields where the newer one is missing", () => {
    const pace = after({
      "x-ratelimit-limit": "100",
      "x-ratelimit-remaining": "10",
      "x-ratelimit-reset": `${NOW / 1000 + 30}`,
    });
    expect([pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 3000]);
  });

  it("goes on where there is more again", () => {
    const pace = after({ ...POLICY, ratelimit: '"default";r=1;t=30' });
    pace.note({ ...POLICY, ratelimit: '"default";r=99;t=60' }, NOW);
    expect([pace.waitMs(NOW), pace.waitMs(NOW)]).toEqual([0, 0]);
  });

  it.each<HeaderFields>([
    {},
    { ratelimit: '"default";r=99;t=60,' },
    { ratelimit: "limit=100, remaining=99, reset=5" },
    { "x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon" },
    { "x-ratelimit-remaining": "99" },
  ])("does not change by %j", (headers) => {
    const pace = after({ ...POLICY, ratelimit: '"default";r=0;t=30' });
    pace.note(headers, NOW);
    expect(pace.waitMs(NOW)).toBe(30_000);
  });

  it("holds no request back for more than a minute", () => {
    expect(after({ ratelimit: '"default";r=0;t=999999999999999' }).waitMs(NOW)).toBe(60_000);
  });

  it("recovers with the next response from a clock that was set back by a day", () => {
    const headers = { ...POLICY, ratelimit: '"default";r=10;t=30' };
    const pace = after(headers);
    for (let call = 0; call < 5; call++) pace.waitMs(NOW);
    const before = NOW - 86_400_000;
    pace.note(headers, before);
    expect(pace.waitMs(before)).toBeLessThanOrEqual(60_000);
  });

  it("says a finite time of 0 to 60 s whatever the fields hold and the clock does", () => {
    const anyDigits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 400 });
    const anyRateLimit = fc.tuple(anyDigits, anyDigits).map(([r, t]) => `"a";r=${r};t=${t}`);
    const anyHeaders = fc.record({
      ratelimit: fc.option(fc.oneof(anyRateLimit, fc.string()), { nil: undefined }),
      "x-ratelimit-remaining": anyDigits,
      "x-ratelimit-reset": anyDigits,
    });
    const anyStep = fc.record({ headers: anyHeaders, nowMs: fc.integer({ min: 0, max: 2 * NOW }) });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 20 }), (steps) => {
        const pace = createPace();
        for (const { headers, nowMs } of steps) {
          pace.note(headers, nowMs);
          const waitMs = pace.waitMs(nowMs);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(60_000);
        }
      }),
    );
  });

  it("keeps a steady client from being refused, where one without it is", () => {
    expect(refusals(() => 0)).toBeGreaterThan(100);
    const pace = createPace();
    expect(refusals((nowMs) => pace.waitMs(nowMs), pace.note)).toBe(0);
  });
});

/** How often a server that takes 100 requests a minute refuses, over five minutes, a client that has four a second for it. */
function refusals(
  waitMs: (nowMs: number) => number,
  note: (headers: HeaderFields, nowMs: number) => void = () => undefined,
): number {
  let refused = 0;
  let [window, used] = [-1, 0];
  for (let nowMs = NOW; nowMs < NOW + 300_000; nowMs += 250) {
    nowMs += waitMs(nowMs);
    if (Math.floor(nowMs / 60_000) !== window) [window, used] = [Math.floor(nowMs / 60_000), 0];
    if (used === 100) refused++;
    else used++;
    const untilMs = 60_000 - (nowMs % 60_000);
    note({ ...POLICY, ratelimit: `"default";r=${100 - used};t=${Math.ceil(untilMs / 1000)}` }, nowMs);
  }
  return refused;
}
