// Where the memory store keeps its buckets: open addressing in typed arrays, cut into segments of about a thousand buckets,
// so that growing, clearing and shrinking touch one segment at a time and no request waits for a whole table.

import type { KeyHash } from "./key-hash.ts";

// Between growths a segment is 55 to 85 % full: 24-byte buckets cost 28 to 44 bytes, and each is moved about three times in all.
const MOST_LOAD = 0.85;
const LOAD_AFTER_REBUILD = 0.55;
const NEVER = -1;
const SMALLEST_SEGMENT = 8;
const BUCKETS_A_SEGMENT = 1024;
const MOST_SEGMENT_BITS = 14;
/** 16 384 segments of about a thousand. */
export const MOST_BUCKETS: number = 2 ** MOST_SEGMENT_BITS * BUCKETS_A_SEGMENT;

interface Segment {
  /** `capacity` slots of `stride` doubles, the first of which is the fingerprint, 0 in an empty slot. */
  values: Float64Array;
  capacity: number;
  count: number;
}

/** Tells whether the bucket whose first number stands at `offset` is as good as one never seen. */
export type IsSpent = (values: Float64Array, offset: number, now: number) => boolean;

/**
 * Buckets of `width` numbers by the hash of their key, of which only the segment and a fingerprint of 53 bits are kept, as many as
 * a double holds. In a table for a million keys these are 63 bits: two of n keys meet, and share a bucket, with a probability of
 * about n^2 / 2^64, which is 5 in 100 million for a million of them.
 *
 * `find` and `findOrAdd` leave the bucket's place in `values` and `offset`, valid until the next call.
 */
export class BucketTable {
  values: Float64Array = new Float64Array(0);
  offset = 0;
  size = 0;
  readonly width: number;
  readonly isSpent: IsSpent;
  readonly #stride: number;
  readonly #shift: number;
  /** Made when a first key falls into them. */
  readonly #segments: (Segment | undefined)[];
  readonly #maxSize: number;
  /** The hash's turn at which `values` and `offset` were found: a hot key is often asked for twice in a row. */
  #foundAt = NEVER;
  #nextSweep = 0;
  #lastRefusal = Number.NEGATIVE_INFINITY;

  constructor(options: { width: number; maxSize: number; isSpent: IsSpent }) {
    const bits = Math.min(MOST_SEGMENT_BITS, Math.max(0, Math.ceil(Math.log2(options.maxSize / BUCKETS_A_SEGMENT))));
    this.#stride = options.width + 1;
    this.#shift = 32 - bits;
    this.#maxSize = options.maxSize;
    this.width = options.width;
    this.isSpent = options.isSpent;
    this.#segments = new Array(2 ** bits).fill(undefined);
  }

  /** Bytes of the arrays that hold the buckets. */
  get byteLength(): number {
    return this.#segments.reduce((sum, segment) => sum + (segment?.values.byteLength ?? 0), 0);
  }

  find(hash: KeyHash): boolean {
    if (hash.turn === this.#foundAt) return true;
    const segment = this.#segments[this.#indexOf(hash)];
    const found = segment !== undefined && this.#probe(segment, fingerprintOf(hash));
    this.#foundAt = found ? hash.turn : NEVER;
    return found;
  }

  /** As `find`, but an absent key gets a bucket of zeros. False where there was no room for it. */
  findOrAdd(hash: KeyHash, now: number): boolean {
    return hash.turn === this.#foundAt || this.#searchOrAdd(hash, now);
  }

  #searchOrAdd(hash: KeyHash, now: number): boolean {
    const index = this.#indexOf(hash);
    const segment = this.#segments[index] ?? this.#makeSegment(index);
    const fingerprint = fingerprintOf(hash);
    const found = this.#probe(segment, fingerprint) || this.#add(segment, fingerprint, now);
    this.#foundAt = found ? hash.turn : NEVER;
    return found;
  }

  #add(segment: Segment, fingerprint: number, now: number): boolean {
    if (this.size >= this.#maxSize && !this.#makeRoom(segment, now)) return false;
    if (segment.count + 1 > segment.capacity * MOST_LOAD) this.#rebuild(segment, now, segment.count);
    if (this.values !== segment.values) this.#probe(segment, fingerprint);
    segment.values[this.offset] = fingerprint;
    segment.count++;
    this.size++;
    this.offset++;
    return true;
  }

  /** Clears the spent buckets out of one segment, the next in turn, if it has `worthwhile` of them. */
  sweep(now: number, worthwhile = 1): void {
    const segment = this.#segments[this.#nextSweep];
    this.#nextSweep = (this.#nextSweep + 1) & (this.#segments.length - 1);
    if (segment) this.#clear(segment, now, worthwhile);
  }

  /** A full table sweeps at most one more segment a millisecond, so that a flood of new keys can't make it sweep for ever. */
  #makeRoom(segment: Segment, now: number): boolean {
    if (now === this.#lastRefusal) return false;
    this.#clear(segment, now, 1);
    if (this.size >= this.#maxSize) this.sweep(now);
    if (this.size < this.#maxSize) return true;
    this.#lastRefusal = now;
    return false;
  }

  #makeSegment(index: number): Segment {
    const values = new Float64Array(SMALLEST_SEGMENT * this.#stride);
    const segment = { values, capacity: SMALLEST_SEGMENT, count: 0 };
    this.#segments[index] = segment;
    return segment;
  }

  #indexOf({ high }: KeyHash): number {
    // Shifting by 32 shifts by 0 in JavaScript, so one segment needs the mask.
    return (high >>> this.#shift) & (this.#segments.length - 1);
  }

  /** Walks from the fingerprint's home to its slot (`offset` behind the fingerprint) or to the empty one where it belongs (`offset` at it). */
  #probe({ values, capacity }: Segment, fingerprint: number): boolean {
    const stride = this.#stride;
    this.values = values;
    let offset = home(fingerprint, capacity) * stride;
    for (;;) {
      const found = values[offset];
      if (found === fingerprint) {
        this.offset = offset + 1;
        return true;
      }
      if (found === 0) {
        this.offset = offset;
        return false;
      }
      offset += stride;
      if (offset === values.length) offset = 0;
    }
  }

  /** Rebuilds a segment without its spent buckets, if at least `worthwhile` of them are spent. */
  #clear(segment: Segment, now: number, worthwhile: number): void {
    let spent = 0;
    for (let slot = 0; slot < segment.capacity; slot++) {
      const offset = slot * this.#stride;
      if (segment.values[offset] !== 0 && this.isSpent(segment.values, offset + 1, now)) spent++;
    }
    if (spent >= worthwhile) this.#rebuild(segment, now, segment.count - spent);
  }

  /** Moves what is not spent into a new array with room for more than `expected`. */
  #rebuild(segment: Segment, now: number, expected: number): void {
    const stride = this.#stride;
    const { values, count } = segment;
    const { isSpent } = this;
    const capacity = Math.max(SMALLEST_SEGMENT, Math.ceil((expected + 1) / LOAD_AFTER_REBUILD));
    const next = new Float64Array(capacity * stride);
    let live = 0;
    for (let from = 0; from < values.length; from += stride) {
      const fingerprint = values[from] as number;
      if (fingerprint === 0 || isSpent(values, from + 1, now)) continue;
      let to = home(fingerprint, capacity) * stride;
      while (next[to] !== 0) {
        to += stride;
        if (to === next.length) to = 0;
      }
      next[to] = fingerprint;
      for (let number = 1; number < stride; number++) next[to + number] = values[from + number] as number;
      live++;
    }
    this.#foundAt = NEVER;
    this.size += live - count;
    segment.values = next;
    segment.capacity = capacity;
    segment.count = live;
  }
}

/** The bits below those that choose the segment. 0 marks an empty slot. */
function fingerprintOf({ high, low }: KeyHash): number {
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0) || 1;
}

/** Where a fingerprint's search begins: its upper 20 bits scaled to the capacity, all in 31-bit integers. */
function home(fingerprint: number, capacity: number): number {
  return ((fingerprint >>> 12) * capacity) >>> 20;
}
