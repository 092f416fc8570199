// The ids that came last, in 16 bytes each: a ring of fingerprints, and a table that finds them.

import { randomBytes } from "node:crypto";

export interface IdWindow {
  /** Whether it is new, that is, not among the last `size` ids that were. Takes it in if so, and lets go of the oldest. */
  add(id: string): boolean;
  /** What its memory takes now: it grows with what it holds. */
  readonly bytes: number;
}

/** Above it, the table's slots could not all be numbered in 32 bits. */
export const MOST_IDS: number = 2 ** 30;

/** Slots an id. Half of them stay free, so that a look ends soon. */
const SLOTS = 2;
/** So many to begin with: most runs find little that is new, and memory for a whole window takes as long to get as a page to read. */
const FIRST_IDS = 4096;

/**
 * Two ids are taken for one if their fingerprints are equal: by chance, for a new id among n, once in 2^64 / n. With a window of a million,
 * that is one record in eighteen million million. The key is random, so nobody can choose ids that meet.
 */
export function createIdWindow(size: number, key: Uint8Array = randomBytes(8)): IdWindow {
  const view = new DataView(key.buffer, key.byteOffset, 8);
  const [key0, key1] = [view.getInt32(0, true), view.getInt32(4, true)];
  const halves = new Uint32Array(2);
  let capacity = Math.min(size, FIRST_IDS);
  let low = new Uint32Array(capacity);
  let high = new Uint32Array(capacity);
  /** One more than an index into the ring; 0 is free. */
  let slots = new Uint32Array(capacity * SLOTS);
  let filled = 0;
  let next = 0;

  const homeOf = (lowBits: number): number => Math.floor((lowBits / 2 ** 32) * slots.length);
  const after = (slot: number): number => (slot + 1 === slots.length ? 0 : slot + 1);

  /** Where the fingerprint stands, or else the free slot where it would. */
  function find(lowBits: number, highBits: number): number {
    let slot = homeOf(lowBits);
    for (let at = slots[slot] ?? 0; at !== 0; at = slots[slot] ?? 0) {
      if (low[at - 1] === lowBits && high[at - 1] === highBits) break;
      slot = after(slot);
    }
    return slot;
  }

  /** Frees a slot, and moves up what stood behind it only because it was taken: no marks of the deceased pile up. */
  function free(gone: number): void {
    let hole = gone;
    for (let slot = after(gone); ; slot = after(slot)) {
      const at = slots[slot] ?? 0;
      if (at === 0) break;
      const home = homeOf(low[at - 1] ?? 0);
      const mayMove = hole <= slot ? home <= hole || home > slot : home <= hole && home > slot;
      if (!mayMove) continue;
      slots[hole] = at;
      hole = slot;
    }
    slots[hole] = 0;
  }

  /** While the ring has never been full, so that its oldest is the first. */
  function grow(): void {
    capacity = Math.min(size, 2 * capacity);
    const before = { low, high };
    low = new Uint32Array(capacity);
    high = new Uint32Array(capacity);
    slots = new Uint32Array(capacity * SLOTS);
    low.set(before.low);
    high.set(before.high);
    for (let at = 0; at < filled; at++) slots[find(low[at] ?? 0, high[at] ?? 0)] = at + 1;
    next = filled;
  }

  return {
    get bytes() {
      return low.byteLength + high.byteLength + slots.byteLength;
    },
    add(id) {
      fingerprint(id, key0, key1, halves);
      const lowBits = halves[0] ?? 0;
      const highBits = halves[1] ?? 0;
      let slot = find(lowBits, highBits);
      if (slots[slot] !== 0) return false;
      if (filled === capacity) {
        if (capacity < size) grow();
        else free(find(low[next] ?? 0, high[next] ?? 0));
        slot = find(lowBits, highBits);
      }
      if (filled < capacity) filled++;
      low[next] = lowBits;
      high[next] = highBits;
      slots[slot] = next + 1;
      next = next + 1 === capacity ? 0 : next + 1;
      return true;
    },
  };
}

/**
 * The 64-bit form of HalfSipHash-1-3 (https://github.com/veorq/SipHash), two UTF-16 units a word: 32-bit steps are what JavaScript is quick at.
 * Puts the low and the high half into `out`: a pair made anew for each id would cost as much as the rest.
 */
function fingerprint(id: string, key0: number, key1: number, out: Uint32Array): void {
  // `| 0` tells the compiler that it is an integer.
  let v0 = key0 | 0;
  let v1 = key1 ^ 0xee;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const { length } = id;
  let at = 0;
  for (; at + 1 < length; at += 2) {
    const word = id.charCodeAt(at) | (id.charCodeAt(at + 1) << 16);
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
  // A round for what is left and the length, and twice three to end. Not in the loop above, where asking which of them it is would cost more.
  const last = (at < length ? id.charCodeAt(at) : 0) | (length << 16);
  v3 ^= last;
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
      out[0] = v1 ^ v3;
      v1 ^= 0xdd;
    }
  }
  out[1] = v1 ^ v3;
}
