// What a user says of retries, times and limits.

import type { Bytes, Clock, Duration } from "@holdfast/core";
import type { HttpHooks } from "../events.ts";
import type { Jitter } from "./backoff.ts";

/** The one set of options behind `createHttpClient`, the interceptor, and (as far as it concerns them) each call. */
export interface PolicyOptions {
  /** Attempts after the first. Default 6; 0 to 100. */
  readonly retries?: number | undefined;
  /** Before the first retry, doubled by default each time. Default 500 ms. */
  readonly baseDelay?: Duration | undefined;
  /** Default 2. */
  readonly factor?: number | undefined;
  /** The longest delay, ours or the server's: a server that asks for more makes the call give up. Default 60 s. */
  readonly maxDelay?: Duration | undefined;
  /** Default `full`. */
  readonly jitter?: Jitter | undefined;
  /** Statuses that are tried again. Default 408, 425, 429, 500, 502, 503, 504. */
  readonly statuses?: readonly number[] | undefined;
  /** Whether POST, PATCH and other methods that are not idempotent are tried again. Default false. */
  readonly retryUnsafe?: boolean | undefined;
  /** Whether a POST or PATCH gets an `Idempotency-Key`, the same for all its attempts, which also makes it safe to try again. Default false. */
  readonly idempotencyKey?: boolean | undefined;
  /** From an attempt's start until the headers of its response are there. Default 30 s; 0 for none. */
  readonly attemptTimeout?: Duration | undefined;
  /** Between two pieces of a response's body. Default 30 s; 0 for none. */
  readonly bodyGapTimeout?: Duration | undefined;
  /** For all of a response's body. Default none. */
  readonly bodyTimeout?: Duration | undefined;
  /** For the whole call: attempts, waits, and the body. Default 5 minutes, and none for `stream` and downloads; 0 for none. */
  readonly deadline?: Duration | undefined;
  /** How much of a one-shot request body is kept while it is sent, so that it can be sent again. Default 1 MiB; 0 for nothing. */
  readonly replayLimit?: Bytes | undefined;
  /** Retries and hedges as a share of requests, by origin. Default `{ ratio: 0.2, reserve: 10 }`; false for no bound. */
  readonly budget?: BudgetOptions | false | undefined;
  /** Leaves an origin alone that fails. Default false. */
  readonly breaker?: BreakerOptions | boolean | undefined;
  /** Requests under way to an origin at once. Default: no bound. */
  readonly concurrency?: ConcurrencyOptions | undefined;
  /** A second attempt for an idempotent request that is slow. Default false. */
  readonly hedge?: HedgeOptions | boolean | undefined;
  /** Slows down by the server's own RateLimit fields before it refuses. Default false. */
  readonly pace?: boolean | undefined;
  /** Called before each wait. The same event as `on.retry`. */
  readonly onRetry?: HttpHooks["retry"];
  readonly on?: HttpHooks | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Numbers of 0 <= n < 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface BudgetOptions {
  /** Retries for each request. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Retries that are there from the start and the most that may be saved up. Default 10. */
  readonly reserve?: number | undefined;
}

export interface BreakerOptions {
  /** The share of failures that opens it. Default 0.5. */
  readonly failureRatio?: number | undefined;
  /** Over which time it is taken. Default 30 s. */
  readonly window?: Duration | undefined;
  /** No verdict on fewer requests in the window. Default 20. */
  readonly minimum?: number | undefined;
  /** How long it stays open. Default 10 s. */
  readonly open?: Duration | undefined;
  /** Requests that are let through, half-open, and must succeed. Default 3. */
  readonly probes?: number | undefined;
}

export interface ConcurrencyOptions {
  readonly limit: number;
  /** How many may wait. Default 1000. */
  readonly queue?: number | undefined;
}

export interface HedgeOptions {
  /** After this time. Default: the 95th percentile of the origin's recent times to headers; none before there are 20 of them. */
  readonly after?: Duration | undefined;
}

/** What one call may say otherwise. */
export type CallPolicyOptions = Pick<
  PolicyOptions,
  | "retries"
  | "retryUnsafe"
  | "idempotencyKey"
  | "attemptTimeout"
  | "bodyGapTimeout"
  | "bodyTimeout"
  | "deadline"
  | "hedge"
>;
