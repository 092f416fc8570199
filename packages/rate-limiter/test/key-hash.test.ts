import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyHash } from "../src/stores/key-hash.ts";
import { anyCodePoint } from "./arbitraries.ts";

/** HalfSipHash-1-3 with 64-bit output over little-endian UTF-16, as its authors describe it, in BigInt and by bytes. */
function reference(k0: number, k1: number, key: string): [number, number] {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (32n - by))) & mask;
  const v = [
    BigInt(k0 >>> 0),
    BigInt(k1 >>> 0) ^ 0xeen,
    0x6c796765n ^ BigInt(k0 >>> 0),
    0x74656462n ^ BigInt(k1 >>> 0),
  ];
  const round = () => {
    v[0] = (v[0]! + v[1]!) & mask;
    v[1] = rotate(v[1]!, 5n) ^ v[0]!;
    v[0] = rotate(v[0]!, 16n);
    v[2] = (v[2]! + v[3]!) & mask;
    v[3] = rotate(v[3]!, 8n) ^ v[2]!;
    v[0] = (v[0]! + v[3]!) & mask;
    v[3] = rotate(v[3]!, 7n) ^ v[0]!;
    v[2] = (v[2]! + v[1]!) & mask;
    v[1] = rotate(v[1]!, 13n) ^ v[2]!;
    v[2] = rotate(v[2]!, 16n);
  };
  const absorb = (word: bigint) => {
    v[3]! ^= word;
    round();
    v[0]! ^= word;
  };
  const bytes = Buffer.from(key, "utf16le");
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) absorb(BigInt(bytes.readUInt32LE(at)));
  const tail = whole < bytes.length ? bytes.readUInt16LE(whole) : 0;
  absorb(((BigInt(bytes.length) & 0xffn) << 24n) | BigInt(tail));
  v[2]! ^= 0xeen;
  for (let finish = 0; finish < 3; finish++) round();
  const low = v[1]! ^ v[3]!;
  v[1]! ^= 0xddn;
  for (let finish = 0; finish < 3; finish++) round();
  return [Number(BigInt.asIntN(32, low)), Number(BigInt.asIntN(32, v[1]! ^ v[3]!))];
}

describe("the hash of a key", () => {
  it("is HalfSipHash-1-3 of the key's UTF-16 units", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.string({ unit: anyCodePoint, maxLength: 200 }), (k0, k1, key) => {
        const hash = new KeyHash(Int32Array.of(k0, k1));
        hash.update(key);
        expect([hash.low, hash.high]).toEqual(reference(k0, k1, key));
      }),
    );
  });

  it("spreads keys that differ in little over all 64 bits", () => {
    const hash = new KeyHash(Int32Array.of(0x1234, 0x5678));
    const seen = new Set<string>();
    const ones = new Array<number>(64).fill(0);
    const keys = 20_000;
    for (let index = 0; index < keys; index++) {
      hash.update(`10.0.${index >> 8}.${index & 255}`);
      seen.add(`${hash.low},${hash.high}`);
      for (let bit = 0; bit < 64; bit++) if (((bit < 32 ? hash.low : hash.high) >>> (bit & 31)) & 1) ones[bit]!++;
    }
    expect(seen.size).toBe(keys);
    // Six standard deviations of a fair coin; chance fails it once in ten million runs.
    for (const count of ones) expect(Math.abs(count - keys / 2)).toBeLessThan(3 * Math.sqrt(keys));
  });

  it("is another under another seed", () => {
    const results = [1, 2, 3].map((seed) => {
      const hash = new KeyHash(Int32Array.of(seed, 0));
      hash.update("same");
      return hash.low;
    });
    expect(new Set(results).size).toBe(3);
  });
});
