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
  /** `capacity` slots of `stride` doubles; the first eight bytes of a slot are the fingerprint, 0 in an empty one. */
  values: Float64Array;
  words: Int32Array;
  capacity: number;
  count: number;
}

/** Tells whether the bucket whose first number stands at `offset` is as good as one never seen. */
export type IsSpent = (values: Float64Array, offset: number, now: number) => boolean;

/**
 * Buckets of `width` numbers by key. The key itself is not kept, only a keyed 64-bit fingerprint: of n keys, two meet with a
 * probability of about n^2 / 2^65, which is 3 in 100 million for a million keys; they would share one bucket.
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
    const segment = this.#segments[this.#segmentOf(key)];
    return segment !== undefined && this.#probe(segment);
  }

  /** As `find`, but an absent key gets a bucket of zeros. False where there was no room for it. */
  findOrAdd(key: string, now: number): boolean {
    const index = this.#segmentOf(key);
    let segment = this.#segments[index];
    if (segment === undefined) {
      segment = makeSegment(SMALLEST_SEGMENT, this.#stride);
      this.#segments[index] = segment;
    }
    if (this.#probe(segment)) return true;
    if (this.size >= this.#maxSize && !this.#makeRoom(segment, now)) return false;
    if (segment.count + 1 > segment.capacity * MOST_LOAD) this.#rebuild(segment, now, segment.count);
    this.#probe(segment);
    const word = this.offset * 2;
    segment.words[word] = this.#hash.low;
    segment.words[word + 1] = this.#hash.high;
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

  #segmentOf(key: string): number {
    this.#hash.update(key);
    // A fingerprint of 0 marks an empty slot.
    if (this.#hash.low === 0 && this.#hash.high === 0) this.#hash.low = 1;
    // Shifting by 32 shifts by 0 in JavaScript, so one segment needs the mask.
    return (this.#hash.high >>> this.#shift) & (this.#segments.length - 1);
  }

  /** Walks from the fingerprint's home to its slot (`offset` behind the fingerprint) or to the empty one where it belongs (`offset` at it). */
  #probe(segment: Segment): boolean {
    const { words, capacity } = segment;
    const { low, high } = this.#hash;
    const stride = this.#stride;
    this.values = segment.values;
    let slot = home(low, capacity);
    for (;;) {
      const word = slot * stride * 2;
      const foundLow = words[word] as number;
      const foundHigh = words[word + 1] as number;
      if (foundLow === low && foundHigh === high) {
        this.offset = slot * stride + 1;
        return true;
      }
      if (foundLow === 0 && foundHigh === 0) {
        this.offset = slot * stride;
        return false;
      }
      slot = slot + 1 === capacity ? 0 : slot + 1;
    }
  }

  /** Rebuilds a segment without its spent buckets, if at least `worthwhile` of them are spent. */
  #clear(segment: Segment, now: number, worthwhile: number): void {
    let spent = 0;
    for (let slot = 0; slot < segment.capacity; slot++) {
      if (!isEmpty(segment.words, slot * this.#stride) && this.isSpent(segment.values, slot * this.#stride + 1, now))
        spent++;
    }
    if (spent >= worthwhile) this.#rebuild(segment, now, segment.count - spent);
  }

  /** Moves what is not spent into new arrays with room for more than `expected`. */
  #rebuild(segment: Segment, now: number, expected: number): void {
    const stride = this.#stride;
    const { values, words, capacity, count } = segment;
    const next = makeSegment(Math.max(SMALLEST_SEGMENT, Math.ceil((expected + 1) / LOAD_AFTER_REBUILD)), stride);
    let live = 0;
    for (let offset = 0, end = capacity * stride; offset < end; offset += stride) {
      if (isEmpty(words, offset) || this.isSpent(values, offset + 1, now)) continue;
      let to = home(words[offset * 2] as number, next.capacity) * stride;
      while (!isEmpty(next.words, to)) to = to + stride === next.words.length >> 1 ? 0 : to + stride;
      // As words, because copying a fingerprint as a double may change its bits where they read as NaN.
      for (let word = 0; word < stride * 2; word++) next.words[to * 2 + word] = words[offset * 2 + word] as number;
      live++;
    }
    this.size += live - count;
    segment.values = next.values;
    segment.words = next.words;
    segment.capacity = next.capacity;
    segment.count = live;
  }
}

function isEmpty(words: Int32Array, offset: number): boolean {
  return words[offset * 2] === 0 && words[offset * 2 + 1] === 0;
}

/** Where a fingerprint's search begins: its upper 20 bits scaled to the capacity, all in 31-bit integers. */
function home(low: number, capacity: number): number {
  return ((low >>> 12) * capacity) >>> 20;
}

function makeSegment(capacity: number, stride: number): Segment {
  const values = new Float64Array(capacity * stride);
  return { values, words: new Int32Array(values.buffer), capacity, count: 0 };
}
