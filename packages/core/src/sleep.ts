// Waiting that can be called off.

import { type Clock, systemClock } from "./clock.ts";

export interface SleepOptions {
  /** Ends the wait: the promise rejects with the signal's reason, and neither timer nor listener is left. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Whether the wait keeps the process alive. Default true. */
  readonly keepAlive?: boolean | undefined;
}

/** Resolves after `delayMs` milliseconds, or rejects with the signal's reason as soon as it aborts. */
export function sleep(delayMs: number, options: SleepOptions = {}): Promise<void> {
  const { signal, clock = systemClock, keepAlive = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
      delayMs,
      { keepAlive },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
