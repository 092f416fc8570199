// 64 bits that stand for a key in the memory store, under a seed of the process: nobody outside can aim for a collision.

/**
 * HalfSipHash-1-3 with 64-bit output (Aumasson and Bernstein, https://github.com/veorq/SipHash), fed UTF-16 units two a word. It is
 * the family that kernels and languages use against hash flooding; 32-bit words keep it in JavaScript's integer range.
 * The result is left in `high` and `low`, so that hashing allocates nothing.
 */
export class KeyHash {
  high = 0;
  low = 0;
  /** As many as were computed: as long as it stays, so does the key. */
  turn = 0;
  /** The key of the latest two calls, if they had the same: a hot one is not hashed again. */
  #hot: string | undefined;
  readonly #k0: number;
  readonly #k1: number;

  /** `seed`: two random 32-bit numbers. */
  constructor(seed: Int32Array) {
    this.#k0 = seed[0] ?? 0;
    this.#k1 = seed[1] ?? 0;
  }

  update(key: string): void {
    if (key !== this.#hot) this.#compute(key);
  }

  /** Apart from `update`, which is small enough then to become part of its caller. */
  #compute(key: string): void {
    // `| 0` tells the compiler that v0 is an integer; without it the loop takes twice as long.
    let v0 = this.#k0 | 0;
    let v1 = this.#k1 ^ 0xee;
    let v2 = 0x6c796765 ^ v0;
    let v3 = 0x74656462 ^ this.#k1;
    const { length } = key;
    let at = 0;
    for (; at + 1 < length; at += 2) {
      const word = key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    // The last word holds an odd unit, if there is one, and the length in bytes modulo 256. Its round is followed by three that
    // finish the first half of the output and three for the second. They are not in the
    // loop above because a branch there would cost more than all of them.
    const last = (length << 25) | (at < length ? key.charCodeAt(at) : 0);
    v3 ^= last;
    let low = 0;
    for (let round = 0; round < 7; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        v0 ^= last;
        v2 ^= 0xee;
      } else if (round === 3) {
        low = v1 ^ v3;
        v1 ^= 0xdd;
      }
    }
    const high = v1 ^ v3;
    this.#hot = high === this.high && low === this.low ? key : undefined;
    this.high = high;
    this.low = low;
    this.turn++;
  }
}
