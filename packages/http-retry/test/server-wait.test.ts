import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HeaderFields } from "../src/policy/fields.ts";
import { serverWait } from "../src/policy/server-wait.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const date = (ms: number): string => new Date(ms).toUTCString();
const wait = (headers: HeaderFields) => serverWait(headers, NOW);
const delay = (headers: HeaderFields) => wait(headers)?.delayMs;

describe("the server's word: Retry-After", () => {
  it("is in seconds", () => {
    expect(wait({ "retry-after": "120" })).toEqual({ delayMs: 120_000, from: "retry-after" });
  });

  it("is a date in any of the three forms", () => {
    expect(delay({ "retry-after": "Sat, 21 Nov 2026 12:00:30 GMT" })).toBe(30_000);
    expect(delay({ "retry-after": "Saturday, 21-Nov-26 12:00:30 GMT" })).toBe(30_000);
    expect(delay({ "retry-after": "Sat Nov 21 12:00:30 2026" })).toBe(30_000);
  });

  it("is read by the server's own clock where it tells it", () => {
    const theirs = NOW - 3_600_000;
    expect(delay({ date: date(theirs), "retry-after": date(theirs + 30_000) })).toBe(30_000);
    expect(delay({ date: "about noon", "retry-after": date(NOW + 30_000) })).toBe(30_000);
  });

  it("in seconds has nothing to do with anybody's clock", () => {
    expect(delay({ date: date(0), "retry-after": "5" })).toBe(5000);
  });

  it("says nothing where it is 0 or in the past, whatever the other fields say", () => {
    expect(delay({ "retry-after": "0", "ratelimit-reset": "30" })).toBeUndefined();
    expect(delay({ "retry-after": date(NOW - 1000) })).toBeUndefined();
    expect(delay({ date: date(NOW), "retry-after": date(NOW) })).toBeUndefined();
  });

  it.each(["", "-1", "+1", "1e3", "0x10", "soon", "1 2", "1, 2", "Infinity", "NaN", "2026-11-21", ".5", "5."])(
    "is as good as none where it is %j",
    (junk) => {
      expect(delay({ "retry-after": junk })).toBeUndefined();
      expect(wait({ "retry-after": junk, "ratelimit-reset": "30" })?.from).toBe("ratelimit-reset");
    },
  );

  it("may have a fraction, and spaces around it", () => {
    expect(delay({ "retry-after": " 1.5 " })).toBe(1500);
  });

  it("counts with its longest wait where it comes twice", () => {
    expect(delay({ "retry-after": ["5", "junk", "30"] })).toBe(30_000);
  });

  it("neither overflows nor leaves the range of dates, whatever the number of digits", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("retry-after", "ratelimit-reset", "x-ratelimit-reset"),
        anyDigits,
        (field, digits) => {
          const delayMs = delay({ [field]: digits });
          if (delayMs === undefined) return;
          expect(delayMs).toBeGreaterThan(0);
          expect(Number.isNaN(new Date(NOW + delayMs).getTime())).toBe(false);
          if (field === "retry-after") expect(delayMs).toBe(Math.min(Number(digits) * 1000, 2 ** 50));
        },
      ),
    );
  });
});

describe("the server's word: RateLimit fields", () => {
  it("is the longest time of the quotas of which nothing is left", () => {
    expect(wait({ ratelimit: '"a";r=0;t=5, "b";r=0;t=60, "c";r=9;t=3600' })).toEqual({
      delayMs: 60_000,
      from: "ratelimit",
    });
  });

  it("is nothing while something is left, and where the field is malformed", () => {
    expect(delay({ ratelimit: '"a";r=1;t=60' })).toBeUndefined();
    expect(delay({ ratelimit: '"a";r=0;t=60,' })).toBeUndefined();
  });

  it("comes after Retry-After and before the older fields", () => {
    const headers = { "retry-after": "1", ratelimit: '"a";r=0;t=2', "ratelimit-reset": "3", "x-ratelimit-reset": "4" };
    expect(wait(headers)).toEqual({ delayMs: 1000, from: "retry-after" });
    expect(wait({ ...headers, "retry-after": undefined })).toEqual({ delayMs: 2000, from: "ratelimit" });
    expect(wait({ ...headers, "retry-after": undefined, ratelimit: undefined })).toEqual({
      delayMs: 3000,
      from: "ratelimit-reset",
    });
    expect(wait({ "x-ratelimit-reset": "4" })).toEqual({ delayMs: 4000, from: "x-ratelimit-reset" });
  });
});

describe.each(["ratelimit", "x-ratelimit"])("the server's word: %s-reset", (prefix) => {
  const reset = `${prefix}-reset`;

  it("is in seconds from now, or a point in seconds or milliseconds since the epoch", () => {
    expect(delay({ [reset]: "30" })).toBe(30_000);
    expect(delay({ [reset]: `${NOW / 1000 + 30}` })).toBe(30_000);
    expect(delay({ [reset]: `${NOW + 30_000}` })).toBe(30_000);
    expect(delay({ [reset]: `${NOW / 1000 + 30}.250` })).toBe(30_250);
  });

  it("as a point is read by the server's own clock", () => {
    const theirs = NOW + 86_400_000;
    expect(delay({ date: date(theirs), [reset]: `${theirs / 1000 + 30}` })).toBe(30_000);
  });

  it("as a point in the past says nothing", () => {
    expect(delay({ [reset]: `${NOW / 1000 - 30}` })).toBeUndefined();
  });

  it("says nothing while something is left of the quota", () => {
    expect(delay({ [reset]: "3000", [`${prefix}-remaining`]: "4999" })).toBeUndefined();
    expect(delay({ [reset]: "3000", [`${prefix}-remaining`]: "0" })).toBe(3_000_000);
  });
});

describe("the server's word", () => {
  it("is nothing in a response without any of its fields", () => {
    expect(wait({ "content-type": "text/plain", date: date(NOW) })).toBeUndefined();
  });

  it("never throws and is never 0, negative, infinite or not a number, whatever the fields hold", () => {
    const anyValue = fc.oneof(fc.string(), anyDigits, fc.array(fc.string(), { maxLength: 3 }), anyDate);
    const names = ["date", "retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset", "x-ratelimit-remaining"];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), anyValue), (headers) => {
        const delayMs = delay(headers);
        if (delayMs === undefined) return;
        expect(delayMs).toBeGreaterThan(0);
        expect(Number.isFinite(delayMs)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

const anyDigits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 400 });
const anyDate = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-12-31") })
  .map((at) => at.toUTCString());
