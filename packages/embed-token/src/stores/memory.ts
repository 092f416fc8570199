// Marks and revocations in this process: for tests, and for a service of one instance.

import { type Clock, systemClock } from "@holdfast/core";
import type { Revocation, StoreCall, TokenStore } from "../token-store.ts";

export interface MemoryTokenStoreOptions {
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface MemoryTokenStore extends TokenStore {
  /** Marks and revocations that are kept now. */
  readonly size: number;
}

interface KeptRevocation {
  readonly issuedUpTo: Revocation;
  readonly keptUntil: number;
}

/**
 * A store in this process. Another process knows nothing of it, and a restart forgets everything: tokens that were used or revoked and
 * have not expired are good again.
 */
export function memoryTokenStore({ clock = systemClock }: MemoryTokenStoreOptions = {}): MemoryTokenStore {
  /** By name, until when. */
  const marks = new Map<string, number>();
  const revoked = new Map<string, KeptRevocation>();

  /** Marks stand about in the order of their ends, so two looked at for each that is made keep up, and none waits. */
  function forgetMarks(now: number): void {
    let looks = 2;
    for (const [name, keptUntil] of marks) {
      if (keptUntil > now || looks-- === 0) return;
      marks.delete(name);
    }
  }

  function forgetRevocations(now: number): void {
    for (const [name, { keptUntil }] of revoked) if (keptUntil <= now) revoked.delete(name);
  }

  return {
    get size() {
      return marks.size + revoked.size;
    },
    mark: (name, keepMs, call) =>
      atOnce(call, () => {
        const now = clock.now();
        forgetMarks(now);
        if ((marks.get(name) ?? now) > now) return false;
        marks.set(name, now + keepMs);
        return true;
      }),
    revoke: (name, issuedUpTo, keepMs, call) =>
      atOnce(call, () => {
        const now = clock.now();
        forgetRevocations(now);
        const kept = revoked.get(name);
        revoked.set(name, {
          issuedUpTo: Math.max(issuedUpTo, kept?.issuedUpTo ?? issuedUpTo),
          keptUntil: Math.max(now + keepMs, kept?.keptUntil ?? now),
        });
      }),
    revocations: (names, call) => atOnce(call, () => names.map((name) => revoked.get(name)?.issuedUpTo)),
    close: async () => {},
  };
}

async function atOnce<T>(call: StoreCall | undefined, act: () => T): Promise<T> {
  call?.signal?.throwIfAborted();
  return act();
}
