// What a call came to: its attempts, and why there were no more.

/** One attempt that is over. */
export interface AttemptRecord {
  /** 1 for the first. */
  readonly number: number;
  /** Of the response, where there was one. */
  readonly status?: number;
  /** Why there was none, or why its body broke. */
  readonly error?: unknown;
  /** From the dispatch of the attempt to its end. */
  readonly durationMs: number;
  /** What was waited after it; 0 where nothing came after. */
  readonly waitMs: number;
}

/** Why a call was not tried again. `until`, in milliseconds since the epoch, is when the server may be asked again. */
export interface GaveUp {
  readonly why: GiveUpReason;
  readonly until?: number;
}

/**
 * - `done`: there is nothing to try again
 * - `not-retryable`: a status or an error that another attempt would meet again
 * - `not-idempotent`: the request may have been carried out, and must not be twice
 * - `body-spent`: the request's body can't be sent again
 * - `attempts`: as many as are allowed were made
 * - `budget`: too many of the origin's requests are retries already
 * - `deadline`: the next attempt would start after the deadline
 * - `wait-too-long`: the server asked for more than the deadline or the longest delay
 * - `circuit-open`: the origin is left alone for now
 */
export type GiveUpReason =
  | "done"
  | "not-retryable"
  | "not-idempotent"
  | "body-spent"
  | "attempts"
  | "budget"
  | "deadline"
  | "wait-too-long"
  | "circuit-open";
