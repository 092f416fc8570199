// A line to stand in before an attempt, where an origin has a limit on requests under way.

import type { Slots } from "../policy/concurrency.ts";

/** One call's place. Made where there is no free slot. */
export class PlaceInLine {
  readonly #leave: (() => void) | undefined;
  #isLeft = false;

  /** `enter` is called with the slot taken. */
  constructor(slots: Slots, enter: () => void) {
    // In a turn of its own, for a slot is given back in the midst of another call's end.
    this.#leave = slots.wait(() => queueMicrotask(() => (this.#isLeft ? slots.give() : enter())));
  }

  /** False where as many as may are waiting already. */
  get isTaken(): boolean {
    return this.#leave !== undefined;
  }

  leave(): void {
    this.#isLeft = true;
    this.#leave?.();
  }
}
