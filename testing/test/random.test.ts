import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom, deriveSeed, type Random } from "../src/random.ts";

const seed = fc.nat({ max: 2 ** 32 - 1 });
const draw = (random: Random): number[] => Array.from({ length: 50 }, random.float);

test("the same seed gives the same chances", () => {
  fc.assert(
    fc.property(seed, (seed) => {
      expect(draw(createRandom(seed))).toEqual(draw(createRandom(seed)));
    }),
  );
});

test("neighbouring seeds have nothing in common", () => {
  fc.assert(
    fc.property(seed, (seed) => {
      const both = [...draw(createRandom(seed)), ...draw(createRandom(seed + 1))];
      expect(new Set(both).size).toBe(100);
    }),
  );
});

test("derives ten thousand seeds without a repetition worth mention", () => {
  const seeds = Array.from({ length: 10_000 }, (_, index) => deriveSeed(1, index));
  // By chance alone, two of them meet in one case out of a hundred.
  expect(new Set(seeds).size).toBeGreaterThanOrEqual(9_999);
});

test("float is evenly spread from 0 to 1", () => {
  const random = createRandom(7);
  const buckets = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) buckets[Math.floor(random.float() * 10)]++;
  // Five standard deviations of a fair draw are 474.
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(474);
});

test("int keeps to its bounds and reaches both", () => {
  const random = createRandom(3);
  const drawn = new Set(Array.from({ length: 200 }, () => random.int(-2, 2)));
  expect([...drawn].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
});

test("int reaches into the upper half of the safe integers", () => {
  const random = createRandom(5);
  const drawn = Array.from({ length: 100 }, () => random.int(0, Number.MAX_SAFE_INTEGER));
  expect(drawn.every(Number.isSafeInteger)).toBe(true);
  expect(drawn.some((n) => n > 2 ** 52)).toBe(true);
});

test("chance 0 never happens, chance 1 always", () => {
  const random = createRandom(9);
  for (let i = 0; i < 1000; i++) expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
});

test("shuffle keeps every item and leaves the original alone", () => {
  fc.assert(
    fc.property(seed, fc.array(fc.integer()), (seed, items) => {
      const before = [...items];
      const shuffled = createRandom(seed).shuffle(items);
      expect(items).toEqual(before);
      expect(shuffled.sort()).toEqual(before.sort());
    }),
  );
});

test("shuffle gives every order its turn", () => {
  const random = createRandom(11);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle([1, 2, 3]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("pick takes any of the items, and refuses to pick from nothing", () => {
  const random = createRandom(13);
  expect(new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"])))).toEqual(new Set(["a", "b", "c"]));
  expect(() => random.pick([])).toThrow("nothing to pick from");
});

test("bytes are as many as asked for", () => {
  expect(createRandom(1).bytes(1000)).toHaveLength(1000);
  expect(new Set(createRandom(1).bytes(10_000)).size).toBe(256);
});
