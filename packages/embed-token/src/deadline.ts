// Waiting for a store, and for no longer than a caller should.

import { type Clock, unlessAborted } from "@holdfast/core";

export interface Deadline {
  readonly clock: Clock;
  readonly storeDeadlineMs: number;
}

/** Settles as `act` does; rejects when the time is up, or with the reason of `signal` as soon as it aborts. */
export async function withDeadline<T>(
  { clock, storeDeadlineMs }: Deadline,
  signal: AbortSignal | undefined,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const cancel = clock.schedule(
    () => controller.abort(new Error(`the store did not answer in ${storeDeadlineMs} ms`)),
    storeDeadlineMs,
  );
  const both = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
  try {
    return await unlessAborted(act(both), both);
  } finally {
    cancel();
  }
}
