// Chance that can be repeated: everything follows from the seed.

export interface Random {
  /** At least 0 and under 1. Can be passed on by itself where a `() => number` is asked for. */
  readonly float: () => number;
  /** A whole number from `lowest` to `highest`, both included. */
  int(lowest: number, highest: number): number;
  /** True this often out of 1. */
  chance(probability: number): boolean;
  /** One of the items, of which there is at least one. */
  pick<T>(items: readonly T[]): T;
  /** A copy in another order. */
  shuffle<T>(items: readonly T[]): T[];
  bytes(length: number): Buffer<ArrayBuffer>;
}

/** A seed is a whole number from 0 to 2^32 - 1; others are taken modulo 2^32. */
export function createRandom(seed: number): Random {
  // sfc32: https://pracrand.sourceforge.net (Chris Doty-Humphrey, public domain). The first 12 words are thrown away, as
  // its author does, so that seeds alike don't give beginnings alike.
  let a = 0;
  let b = 0;
  let c = seed >>> 0;
  let counter = 1;
  const word = (): number => {
    const result = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + result) >>> 0;
    return result;
  };
  for (let i = 0; i < 12; i++) word();

  // 53 bits, as many as a number between 0 and 1 can use.
  const float = (): number => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
  const int = (lowest: number, highest: number): number => lowest + Math.floor(float() * (highest - lowest + 1));
  return {
    float,
    int,
    chance: (probability) => float() < probability,
    pick(items) {
      if (items.length === 0) throw new Error("there is nothing to pick from");
      return items[int(0, items.length - 1)] as (typeof items)[number];
    },
    shuffle(items) {
      // Drawn one by one out of what is left (Fisher and Yates).
      const left = [...items];
      return items.map(() => left.splice(int(0, left.length - 1), 1)[0] as (typeof items)[number]);
    },
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => word() & 0xff)),
  };
}

/** The seed of the `index`th of many runs: neighbours share nothing that a generator could show. */
export function deriveSeed(seed: number, index: number): number {
  return createRandom(seed ^ Math.imul(index + 1, 0x9e3779b1)).int(0, 2 ** 32 - 1);
}
