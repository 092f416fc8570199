import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type ParsedRate, parseBytes, parseDuration, parseRate, type Rate } from "../src/index.ts";

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const BYTE_UNITS = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Texts that a lenient parser would take for a number or a unit. */
const SLOPPY = [
  "",
  " ",
  "80a",
  "0x10",
  "0x10s",
  " 5s",
  "5 s ",
  "5  s",
  "5\ts",
  "1e3s",
  "-1s",
  "+1s",
  "NaN",
  "Infinity",
  "1.s",
  ".5s",
  "1..5s",
  "1,5s",
  "1_000s",
  "5s5s",
  "1m30s",
  "s",
  "5",
  "5.0",
  "٥s",
  "5s\n",
  "5 constructor",
  "5S",
  "5Min",
  "5month",
  "5y",
  "12345678901234567s",
  "1.1234567s",
];

describe("parseDuration", () => {
  it.each([
    ["250ms", 250],
    ["60s", 60_000],
    ["5 s", 5_000],
    ["1.5h", 5_400_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
    ["4.35s", 4350],
    ["0.001s", 1],
    ["0s", 0],
    ["007s", 7000],
    ["9007199254740991ms", Number.MAX_SAFE_INTEGER],
    ["9007199254740.991s", Number.MAX_SAFE_INTEGER],
    [1500, 1500],
    [0, 0],
  ])("reads %j as %d ms", (duration, ms) => {
    expect(parseDuration(duration)).toBe(ms);
  });

  it.each([
    ...SLOPPY,
    "0.5ms",
    "1.0001s",
    "9007199254740992ms",
    "9007199254740993ms",
    "9999999999999999w",
    "5MiB",
    1.5,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    null,
    undefined,
    true,
    {},
    ["5s"],
  ])("refuses %j", (duration) => {
    expect(() => parseDuration(duration as string)).toThrow(expect.objectContaining({ code: "INVALID_DURATION" }));
  });

  it("reads what was written, exactly", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.entries(DURATION_UNITS)), fc.maxSafeNat(), ([unit, factor], ms) => {
        const written = `${Math.floor(ms / factor)}${unit}`;
        expect(parseDuration(written)).toBe(Math.floor(ms / factor) * factor);
        expect(parseDuration(ms)).toBe(ms);
      }),
    );
  });

  it("reads fractions exactly or not at all", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.entries(DURATION_UNITS)),
        fc.bigInt({ min: 0n, max: 10n ** 16n - 1n }),
        fc.stringMatching(/^\d{1,6}$/),
        ([unit, factor], whole, fraction) => {
          const scaled = BigInt(`${whole}${fraction}`) * BigInt(factor);
          const scale = 10n ** BigInt(fraction.length);
          const isWhole = scaled % scale === 0n && scaled / scale <= BigInt(Number.MAX_SAFE_INTEGER);
          const text = `${whole}.${fraction}${unit}`;
          if (isWhole) expect(BigInt(parseDuration(text))).toBe(scaled / scale);
          else expect(() => parseDuration(text)).toThrow();
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("takes no text but a number with a unit", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0159.smhdwe -+x_") }), (text) => {
        fc.pre(!/^\d{1,16}(\.\d{1,6})? ?(ms|s|m|h|d|w)$/.test(text));
        expect(() => parseDuration(text)).toThrow();
      }),
    );
  });

  it("says what was wrong and what to write, and cuts a long input short", () => {
    expect(() => parseDuration("80a")).toThrow(/"80a" is not a duration such as .*"60s"/);
    expect(() => parseDuration("x".repeat(10_000))).toThrow(/^"x{64}" is not/);
  });
});

describe("parseBytes", () => {
  it.each([
    ["512B", 512],
    ["10kB", 10_000],
    ["10KB", 10_000],
    ["10MB", 10_000_000],
    ["8MiB", 8_388_608],
    ["1.5 GiB", 1_610_612_736],
    ["8191.5TiB", 8191.5 * 2 ** 40],
    ["0B", 0],
    [65_536, 65_536],
  ])("reads %j as %d bytes", (bytes, size) => {
    expect(parseBytes(bytes)).toBe(size);
  });

  it.each([
    ...SLOPPY,
    "10mb",
    "10Mb",
    "10M",
    "10K",
    "0.5B",
    "8192TiB",
    "1PB",
    1.5,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
  ])("refuses %j", (bytes) => {
    expect(() => parseBytes(bytes as string)).toThrow(expect.objectContaining({ code: "INVALID_BYTES" }));
  });

  it("reads what was written, exactly", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.entries(BYTE_UNITS)), fc.nat({ max: 8191 }), ([unit, factor], count) => {
        expect(parseBytes(`${count}${unit}`)).toBe(count * factor);
      }),
    );
  });
});

describe("parseRate", () => {
  it.each<[Rate, number, number]>([
    ["60/minute", 60, 60_000],
    ["5/second", 5, 1000],
    ["1000/hour", 1000, 3_600_000],
    ["1/day", 1, 86_400_000],
    ["1/week", 1, 604_800_000],
    ["60/m", 60, 60_000],
    ["100/15m", 100, 900_000],
    ["100 / 15 m", 100, 900_000],
    ["5/1.5s", 5, 1500],
    [{ limit: 10, window: "30s" }, 10, 30_000],
    [{ limit: 10, window: 500 }, 10, 500],
  ])("reads %j as %d in %d ms", (rate, limit, windowMs) => {
    expect(parseRate(rate)).toEqual({ limit, windowMs });
  });

  it.each([
    ...SLOPPY,
    "60",
    "60/",
    "/minute",
    "60/minutes",
    "60/month",
    "60/year",
    "60/Minute",
    "0/minute",
    "-1/minute",
    "1.5/minute",
    "1e3/minute",
    "60/0s",
    "60/0.5ms",
    "60/60",
    "60//minute",
    " 60/minute",
    "60/minute ",
    "60/toString",
    { limit: 0, window: "1s" },
    { limit: 1.5, window: "1s" },
    { limit: "5", window: "1s" },
    { limit: Number.POSITIVE_INFINITY, window: "1s" },
    { limit: 5, window: 0 },
    { limit: 5, window: "soon" },
    { limit: 5 },
    {},
    null,
    undefined,
    60,
  ])("refuses %j", (rate) => {
    expect(() => parseRate(rate as Rate)).toThrow(expect.objectContaining({ code: "INVALID_RATE" }));
  });

  it("reads what was written, as text or in two parts", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 1e9 }), (limit, windowMs) => {
        expect(parseRate(`${limit}/${windowMs}ms`)).toEqual({ limit, windowMs });
        expect(parseRate({ limit, window: windowMs })).toEqual({ limit, windowMs });
      }),
    );
  });

  it("has types for text and for parts", () => {
    expectTypeOf(parseRate).parameter(0).toEqualTypeOf<Rate>();
    expectTypeOf(parseRate).returns.toEqualTypeOf<ParsedRate>();
    expectTypeOf<60>().not.toExtend<Rate>();
  });
});
