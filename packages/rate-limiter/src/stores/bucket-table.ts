// Where the memory store keeps its buckets: open addressing in typed arrays, cut into segments of about a thousand buckets,
// so that growing, clearing and shrinking touch one segment at a time and no request waits for a whole table.

import { KeyHash } from "./key-hash.ts";

// Between growths a segment is 55 to 85 % full: 24-byte buckets cost 28 to 44 bytes, and each is moved about three times in all.
const MOST_LOAD = 0.85;
const LOAD_AFTER_REBUILD = 0.55;
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
 * Buckets of `width` numbers by key, which is never empty. The key itself is not kept, only its segment and a fingerprint of 53
 * bits, as many as a double holds, both from one keyed hash. In a table for a million keys these are 63 bits: two of n keys meet,
 * and share a bucket, with a probability of about n^2 / 2^64, which is 5 in 100 million for a million of them.
 *
 * `find` and `findOrAdd` leave the bucket's place in `values` and `offset`, valid until the next call.
 */
export class BucketTable {
  values: Float64Array = new Float64Array(0);
  offset = 0;
  size = 0;
  readonly width: number;
  readonly isSpent: IsSpent;
  readonly #hash: KeyHash;
  readonly #stride: number;
  readonly #shift: number;
  /** Made when a first key falls into them. */
  readonly #segments: (Segment | undefined)[];
  readonly #maxSize: number;
  /** Of the key that is looked for. */
  #fingerprint = 0;
  /** The key whose place `values` and `offset` are: a hot one is often asked for twice in a row. */
  #latest = "";
  #nextSweep = 0;
  #lastRefusal = Number.NEGATIVE_INFINITY;

  constructor(options: { width: number; maxSize: number; seed: Int32Array; isSpent: IsSpent }) {
    const bits = Math.min(MOST_SEGMENT_BITS, Math.max(0, Math.ceil(Math.log2(options.maxSize / BUCKETS_A_SEGMENT))));
    this.#hash = new KeyHash(options.seed);
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

  find(key: string): boolean {
    if (key === this.#latest) return true;
    const segment = this.#segments[this.#segmentOf(key)];
    const found = segment !== undefined && this.#probe(segment);
    this.#latest = found ? key : "";
    return found;
  }

  /** As `find`, but an absent key gets a bucket of zeros. False where there was no room for it. */
  findOrAdd(key: string, now: number): boolean {
    return key === this.#latest || this.#searchOrAdd(key, now);
  }

  #searchOrAdd(key: string, now: number): boolean {
    const index = this.#segmentOf(key);
    let segment = this.#segments[index];
    if (segment === undefined) {
      segment = makeSegment(SMALLEST_SEGMENT, this.#stride);
      this.#segments[index] = segment;
    }
    if (this.#probe(segment)) {
      this.#latest = key;
      return true;
    }
    this.#latest = "";
    if (this.size >= this.#maxSize && !this.#makeRoom(segment, now)) return false;
    if (segment.count + 1 > segment.capacity * MOST_LOAD) this.#rebuild(segment, now, segment.count);
    if (this.values !== segment.values) this.#probe(segment);
    segment.values[this.offset] = this.#fingerprint;
    segment.count++;
    this.size++;
    this.offset++;
    this.#latest = key;
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

  #segmentOf(key: string): number {
    const hash = this.#hash;
    hash.update(key);
    // The bits below those that choose the segment. 0 marks an empty slot.
    this.#fingerprint = (hash.high & 0x1fffff) * 2 ** 32 + (hash.low >>> 0) || 1;
    // Shifting by 32 shifts by 0 in JavaScript, so one segment needs the mask.
    return (hash.high >>> this.#shift) & (this.#segments.length - 1);
  }

  /** Walks from the fingerprint's home to its slot (`offset` behind the fingerprint) or to the empty one where it belongs (`offset` at it). */
  #probe({ values, capacity }: Segment): boolean {
    const fingerprint = this.#fingerprint;
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
    this.#latest = "";
    this.size += live - count;
    segment.values = next;
    segment.capacity = capacity;
    segment.count = live;
  }
}

/** Where a fingerprint's search begins: its upper 20 bits scaled to the capacity, all in 31-bit integers. */
function home(fingerprint: number, capacity: number): number {
  return ((fingerprint >>> 12) * capacity) >>> 20;
}

function makeSegment(capacity: number, stride: number): Segment {
  return { values: new Float64Array(capacity * stride), capacity, count: 0 };
}
