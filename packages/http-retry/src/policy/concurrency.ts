// How many requests are under way to an origin at once; the others wait their turn.

export interface SlotsOptions {
  readonly limit: number;
  /** How many may wait. */
  readonly queue: number;
}

/** First come, first served. Each slot that was taken or granted is given back once. */
export interface Slots {
  /** Takes a slot where one is free and nobody waits for it. */
  take(): boolean;
  /**
   * Waits for a slot: `grant` is called once, from within `give`, and the slot is then the caller's. Returns what ends the
   * wait, which does nothing after the grant; undefined where as many wait as may.
   */
  wait(grant: () => void): (() => void) | undefined;
  /** Gives a slot back, to who waits longest. */
  give(): void;
}

export function createSlots({ limit, queue }: SlotsOptions): Slots {
  let taken = 0;
  // A set keeps the order of arrival and lets go of any member at once. Each wait is an object of its own.
  const waiting = new Set<{ readonly grant: () => void }>();

  return {
    take() {
      if (taken >= limit || waiting.size > 0) return false;
      taken++;
      return true;
    },
    wait(grant) {
      if (waiting.size >= queue) return undefined;
      const place = { grant };
      waiting.add(place);
      return () => waiting.delete(place);
    },
    give() {
      for (const place of waiting) {
        // The slot changes hands: it stays taken.
        waiting.delete(place);
        place.grant();
        return;
      }
      taken--;
    },
  };
}
