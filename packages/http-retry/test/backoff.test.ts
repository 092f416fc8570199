import { createRandom } from "@holdfast/testing/torture";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BackoffOptions, createBackoff, type Jitter } from "../src/policy/backoff.ts";

const setUp = (options: Partial<BackoffOptions> = {}) =>
  createBackoff({ baseMs: 500, factor: 2, maxMs: 60_000, jitter: "full", ...options });

const lowest = () => 0;
const highest = () => 1 - 2 ** -53;
const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyOptions = fc.record({
  baseMs: fc.integer({ min: 0, max: 100_000 }),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxMs: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
});
const anyRetry = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1_000_000 }));

/** Delays of the third retry, sorted. */
const sample = (jitter: Jitter, previousMs: number): number[] => {
  const { float } = createRandom(7);
  const backoff = setUp({ jitter });
  return Array.from({ length: 10_000 }, () => backoff.delayMs(3, previousMs, float)).sort((a, b) => a - b);
};

/** The largest distance between a sample's distribution and an even one (Kolmogorov and Smirnov). */
const unevenness = (sorted: readonly number[], from: number, to: number): number =>
  Math.max(...sorted.map((delay, index) => Math.abs((delay - from) / (to - from) - (index + 0.5) / sorted.length)));

describe("backoff", () => {
  it("doubles from 500 ms up to 60 s without jitter", () => {
    const backoff = setUp({ jitter: "none" });
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((retry) => backoff.delayMs(retry, 0, Math.random));
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("goes from nothing up to the exponential delay with full jitter", () => {
    const backoff = setUp();
    expect(backoff.delayMs(3, 0, lowest)).toBe(0);
    expect(backoff.delayMs(3, 0, highest)).toBeCloseTo(2000);
  });

  it("goes from half of the exponential delay up to it with equal jitter", () => {
    const backoff = setUp({ jitter: "equal" });
    expect(backoff.delayMs(3, 0, lowest)).toBe(1000);
    expect(backoff.delayMs(3, 0, highest)).toBeCloseTo(2000);
  });

  it("goes from the base up to three times the delay before, and no further than the longest, with decorrelated jitter", () => {
    const backoff = setUp({ jitter: "decorrelated" });
    expect(backoff.delayMs(1, 0, lowest)).toBe(500);
    expect(backoff.delayMs(1, 0, highest)).toBeCloseTo(1500);
    expect(backoff.delayMs(2, 1500, highest)).toBeCloseTo(4500);
    expect(backoff.delayMs(9, 50_000, highest)).toBe(60_000);
  });

  it.each([
    ["full", 0, 2000],
    ["equal", 1000, 2000],
    ["decorrelated", 500, 3000],
  ] as const)("spreads %s jitter evenly from %i to %i ms", (jitter, from, to) => {
    // One sample in a thousand of an even distribution is further off than 1.95 / sqrt(n).
    expect(unevenness(sample(jitter, 1000), from, to)).toBeLessThan(1.95 / Math.sqrt(10_000));
  });

  it("spreads 100 clients that failed at once over the whole delay", () => {
    const { float } = createRandom(3);
    const delays = Array.from({ length: 100 }, () => setUp().delayMs(1, 0, float));
    for (let from = 0; from < 500; from += 100) {
      const together = delays.filter((delay) => delay >= from && delay < from + 100).length;
      expect(together).toBeGreaterThan(8);
      expect(together).toBeLessThan(33);
    }
  });

  it("keeps every kind of delay within its bounds, for any retry, factor and base", () => {
    fc.assert(
      fc.property(anyOptions, anyRetry, anyChance, fc.nat(), (options, retry, chance, previousMs) => {
        const delayOf = (jitter: Jitter) => setUp({ ...options, jitter }).delayMs(retry, previousMs, () => chance);
        const ceiling = delayOf("none");
        expect(ceiling).toBeLessThanOrEqual(options.maxMs);
        expect(ceiling).toBeGreaterThanOrEqual(Math.min(options.baseMs, options.maxMs));
        expect(delayOf("full")).toBeGreaterThanOrEqual(0);
        expect(delayOf("full")).toBeLessThanOrEqual(ceiling);
        expect(delayOf("equal")).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delayOf("equal")).toBeLessThanOrEqual(ceiling);
        expect(delayOf("decorrelated")).toBeGreaterThanOrEqual(Math.min(options.baseMs, options.maxMs));
        expect(delayOf("decorrelated")).toBeLessThanOrEqual(options.maxMs);
      }),
    );
  });

  it("never grows shorter from one retry to the next, before its jitter", () => {
    fc.assert(
      fc.property(anyOptions, anyRetry, (options, retry) => {
        const backoff = setUp({ ...options, jitter: "none" });
        expect(backoff.delayMs(retry + 1, 0, lowest)).toBeGreaterThanOrEqual(backoff.delayMs(retry, 0, lowest));
      }),
    );
  });

  it("spreads a wait that the server asked for by its tenth or the base, and not at all without jitter", () => {
    expect(setUp().spreadMs(1000)).toBe(500);
    expect(setUp().spreadMs(30_000)).toBe(3000);
    expect(setUp({ jitter: "none" }).spreadMs(30_000)).toBe(0);
  });
});
