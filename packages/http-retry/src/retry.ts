// Another try for what is not HTTP: p-retry makes the attempts, the delays are ours.

import { type Clock, type Duration, sleep, systemClock } from "@holdfast/core";
import pRetry from "p-retry";
import { HttpRetryError } from "./errors.ts";
import { duration } from "./policy/checks.ts";
import type { PolicyOptions } from "./policy/options.ts";
import { backoffOf, retriesOf } from "./policy/policy.ts";

/** Of an attempt. */
export interface RetryAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts with the caller's signal, and at the deadline. */
  readonly signal: AbortSignal;
}

/** Told before each wait. */
export interface RetryNotice {
  /** The attempt that failed, 1 for the first. */
  readonly attempt: number;
  /** Milliseconds. */
  readonly delay: number;
  /** The error's code, or else its name: `"ECONNRESET"`, `"TypeError"`. */
  readonly reason: string;
  readonly error: Error;
}

export interface RetryOptions extends Pick<PolicyOptions, "retries" | "baseDelay" | "factor" | "maxDelay" | "jitter"> {
  /** For all attempts and waits together; 0 for none. Default none. */
  readonly deadline?: Duration | undefined;
  /** Ends it: the promise rejects with the signal's reason at once, whatever an attempt is still doing. */
  readonly signal?: AbortSignal | undefined;
  /** Whether an error is worth another attempt. Default: every one. */
  readonly shouldRetry?: ((error: Error, attempt: number) => boolean | Promise<boolean>) | undefined;
  /** Called before each wait. What it throws rejects the promise. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** Numbers of 0 <= n < 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Calls `attempt` until it resolves, and resolves to what it gives. Rejects with the last attempt's error when there is no further
 * attempt: as many as may be were made, `shouldRetry` says so, the next one would not start before the deadline, or the error is
 * a `TypeError` that no network made, which is a mistake in the code. No wait keeps the process alive.
 *
 * @example
 * const rows = await retry(({ signal }) => query("select 1", { signal }), { retries: 3, deadline: "10s" });
 *
 * @throws HttpRetryError `INVALID_OPTION`; `DEADLINE` where it is over during an attempt, with the error before it as `cause`
 */
export async function retry<T>(
  attempt: (context: RetryAttempt) => PromiseLike<T> | T,
  options: RetryOptions = {},
): Promise<T> {
  const { clock = systemClock, random = Math.random, shouldRetry, onRetry } = options;
  const retries = retriesOf(options.retries ?? 6);
  const backoff = backoffOf(options);
  const deadlineMs = duration("deadline", options.deadline ?? 0);
  const startedAt = clock.monotonic();
  let last: Error | undefined;
  let previousMs = 0;

  const end = endOf(options.signal, clock, deadlineMs, () => last);

  /** Whether there is another attempt, once its time has come. */
  async function wait(error: Error, number: number): Promise<boolean> {
    last = error;
    if (shouldRetry && !(await shouldRetry(error, number))) return false;
    const delay = backoff.delayMs(number, previousMs, random);
    if (deadlineMs > 0 && clock.monotonic() - startedAt + delay >= deadlineMs) return false;
    previousMs = delay;
    onRetry?.({ attempt: number, delay, reason: reasonOf(error), error });
    await sleep(delay, { signal: end.signal, clock, keepAlive: false });
    return true;
  }

  try {
    const attempts = pRetry((number) => attempt({ attempt: number, signal: end.signal }), {
      retries,
      // Not a wait of its own: `shouldRetry` has waited.
      minTimeout: 0,
      signal: end.signal,
      shouldRetry: ({ error, attemptNumber }) => wait(error, attemptNumber),
    });
    return await Promise.race([attempts, end.reached]);
  } finally {
    end.release();
  }
}

interface End {
  readonly signal: AbortSignal;
  /** Rejects with the signal's reason. */
  readonly reached: Promise<never>;
  /** Leaves neither timer nor listener. */
  release(): void;
}

/** Where the caller's signal and the deadline meet. */
function endOf(outer: AbortSignal | undefined, clock: Clock, deadlineMs: number, last: () => Error | undefined): End {
  const controller = new AbortController();
  const { signal } = controller;
  const onAbort = (): void => controller.abort(outer?.reason);
  const onDeadline = (): void => {
    const cause = last();
    const message = `the deadline of ${deadlineMs} ms is over`;
    controller.abort(new HttpRetryError("DEADLINE", message, cause && { cause }));
  };
  if (outer?.aborted) onAbort();
  outer?.addEventListener("abort", onAbort, { once: true });
  const cancel = deadlineMs > 0 ? clock.schedule(onDeadline, deadlineMs, { keepAlive: false }) : undefined;
  return {
    signal,
    reached: new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
    release() {
      outer?.removeEventListener("abort", onAbort);
      cancel?.();
    },
  };
}

function reasonOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === "string" ? error.code : error.name;
}
