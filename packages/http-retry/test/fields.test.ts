import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseHttpDate } from "../src/policy/http-date.ts";
import { rateLimits } from "../src/policy/rate-limits.ts";
import { parseList } from "../src/policy/structured-list.ts";

const IN_2026 = Date.UTC(2026, 10, 21);
const SAME_INSTANT = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("an HTTP-date", () => {
  it.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "is read as %s",
    (text) => {
      expect(parseHttpDate(text, IN_2026)).toBe(SAME_INSTANT);
    },
  );

  it.each([
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    ["Thu, 29 Feb 2024 23:59:59 GMT", Date.UTC(2024, 1, 29, 23, 59, 59)],
    ["Sat, 31 Dec 2016 23:59:60 GMT", Date.UTC(2017, 0, 1)],
    ["Fri, 31 Dec 9999 23:59:59 GMT", Date.UTC(9999, 11, 31, 23, 59, 59)],
    ["Tue Feb 10 10:00:00 2026", Date.UTC(2026, 1, 10, 10)],
    ["Monday, 01-Jan-76 00:00:00 GMT", Date.UTC(2076, 0, 1)],
    ["Saturday, 01-Jan-77 00:00:00 GMT", Date.UTC(1977, 0, 1)],
  ])("names an instant that is known: %s", (text, instant) => {
    expect(parseHttpDate(text, IN_2026)).toBe(instant);
  });

  it("takes a year of two digits for the nearest one", () => {
    expect(parseHttpDate("Wednesday, 01-Jan-10 00:00:00 GMT", Date.UTC(2080, 0, 1))).toBe(Date.UTC(2110, 0, 1));
  });

  it.each([
    "",
    "0",
    "2026-11-21T00:00:00Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 31 Feb 2026 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    " Sun, 06 Nov 1994 08:49:37 GMT",
  ])("is not %j", (text) => {
    expect(parseHttpDate(text, IN_2026)).toBeUndefined();
  });

  it("comes back from what Date writes, to the second", () => {
    const anySecond = fc.integer({ min: Date.UTC(1, 0, 1) / 1000 + 86_400 * 366 * 100, max: 253_402_300_799 });
    fc.assert(
      fc.property(anySecond, (second) => {
        expect(parseHttpDate(new Date(second * 1000).toUTCString(), IN_2026)).toBe(second * 1000);
      }),
    );
  });

  it("makes nothing else of any text, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseHttpDate(text, IN_2026)).toBeUndefined();
      }),
    );
  });
});

describe("a List of a structured field", () => {
  const values = (text: string) => parseList(text)?.map(({ value }) => value);

  it("has items of every type, and parameters", () => {
    expect(values('1, -22 ,\t"a, \\"b\\"",?1,tok/en:1, 1.5, :aGk=:, @1700000000, %"caf%c3%a9"')).toEqual([
      1,
      -22,
      'a, "b"',
      true,
      { other: "tok/en:1" },
      { other: "1.5" },
      { other: ":aGk=:" },
      { other: "@1700000000" },
      { other: '%"caf%c3%a9"' },
    ]);
    const [item] = parseList('"default";r=50; t=30;flag;pk=:aGk=:;r=49') ?? [];
    expect([...(item?.parameters ?? [])]).toEqual([
      ["r", 49],
      ["t", 30],
      ["flag", true],
      ["pk", { other: ":aGk=:" }],
    ]);
  });

  it("may be empty, with spaces around", () => {
    expect([parseList(""), parseList("  ")]).toEqual([[], []]);
    expect(values('  "a"  ')).toEqual(["a"]);
  });

  it.each([
    ",",
    "1,",
    "1,,2",
    "1 2",
    '"open',
    '"bad \\n escape"',
    '"é"',
    "1234567890123456",
    "1.",
    "1.2345",
    "1.2.3",
    "--1",
    "?2",
    ":not base64!:",
    "a;",
    "a;R=1",
    "a;r=",
    "a; ;r=1",
    "a ;r=1",
    "(1 2)",
    "a=1",
    "@1.5",
    "\t1",
    "1;r=(1)",
  ])("is not %j", (text) => {
    expect(parseList(text)).toBeUndefined();
  });

  it("never throws, whatever the text", () => {
    const almost = fc.string({ unit: fc.constantFrom(...'"\\;=,.:@?%()-* \t019azA'), maxLength: 30 });
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => void parseList(text)),
      { numRuns: 2000 },
    );
  });

  it("reads back what it is written from", () => {
    const anyText = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
    const anyItem = fc.record({
      name: anyText,
      r: fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
    });
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 5 }), fc.constantFrom(",", ", ", " ,\t"), (items, separator) => {
        const text = items.map(({ name, r }) => `"${name.replace(/["\\]/g, "\\$&")}";r=${r}`).join(separator);
        expect(parseList(text)?.map(({ value, parameters }) => ({ name: value, r: parameters.get("r") }))).toEqual(
          items,
        );
      }),
    );
  });
});

describe("RateLimit fields", () => {
  it("tell what is left of each quota, and when there is more", () => {
    expect(
      rateLimits({
        "ratelimit-policy": '"burst";q=100;w=60, "daily";q=1000',
        ratelimit: '"burst";r=50;t=30, "daily";r=0;t=3600;pk=:aGk=:',
      }),
    ).toEqual([
      { name: "burst", limit: 100, remaining: 50, resetMs: 30_000 },
      { name: "daily", limit: 1000, remaining: 0, resetMs: 3_600_000 },
    ]);
  });

  it("may say neither the limit nor when there is more", () => {
    expect(rateLimits({ ratelimit: '"default";r=5' })).toEqual([
      { name: "default", limit: undefined, remaining: 5, resetMs: undefined },
    ]);
  });

  it("are one list where they come on several lines", () => {
    expect(rateLimits({ ratelimit: ['"a";r=1', '"b";r=2'] }).map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it.each([
    '"a";r=1, "b"',
    '"a";r=1, b;r=2',
    '"a";r=1, "b";r=-1',
    '"a";r=1, "b";r=1.5',
    '"a";r=1, "b";r="1"',
    '"a";r=1;t=-1',
    '"a";r=1;t',
    '"a";r=1,',
    "limit=100, remaining=50, reset=5",
    "100",
    "",
  ])("are ignored whole where they are malformed: %s", (ratelimit) => {
    expect(rateLimits({ ratelimit })).toEqual([]);
  });

  it("ignores a malformed policy by itself", () => {
    expect(rateLimits({ ratelimit: '"a";r=1', "ratelimit-policy": '"a";q=x' })[0]).toMatchObject({ limit: undefined });
  });

  it("never throw, whatever they hold", () => {
    const anyValue = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 }));
    fc.assert(fc.property(anyValue, (value) => void rateLimits({ ratelimit: value, "ratelimit-policy": value })));
  });
});
