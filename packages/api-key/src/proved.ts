// Keys that were good a moment ago in this process. Whoever shows one again is not shut out by what others tried on its id or from
// its address, and costs the limiter no call. Else anybody could shut out a key by its id, which is no secret.

import type { Digests, KeptDigest } from "./digest.ts";

export interface Proved {
  /** Whether this text was good when it was shown last. Takes the same time for every id. It still has to be looked up. */
  has(id: string, text: string): boolean;
  add(key: KeptDigest & { readonly id: string }): void;
  remove(id: string): void;
}

const MOST_KEYS = 10_000;

export function createProved(digests: Digests): Proved {
  const kept = new Map<string, KeptDigest>();
  return {
    has: (id, text) => digests.matches(text, kept.get(id)),
    add(key) {
      if (kept.get(key.id)?.digest === key.digest) return;
      kept.set(key.id, { digest: key.digest, pepperId: key.pepperId });
      const [oldest] = kept.size > MOST_KEYS ? kept.keys() : [];
      if (oldest !== undefined) kept.delete(oldest);
    },
    remove: (id) => void kept.delete(id),
  };
}
