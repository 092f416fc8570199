// What this package throws. A refused request is a value, never one of these.

import { HoldfastError } from "@holdfast/core";

/**
 * - `INVALID_RULE`: a limit, window, burst or name that can't be kept exactly or sent in a header
 * - `INVALID_KEY`: an empty key, or one that is not a string
 * - `INVALID_COST`: a cost that is not a whole number >= 0
 * - `INVALID_OPTION`: any other option that can't be used as given
 * - `STORE_UNAVAILABLE`: a call that nothing can stand in for (refund, reset, block, unblock) while the store does not answer
 * - `FOREIGN_STATE`: a key of a shared store holds something that no store of ours has written
 * - `WRONG_SCHEMA`: the store's table, or its function, is missing, something else, or of another version
 */
export type RateLimiterErrorCode =
  | "INVALID_RULE"
  | "INVALID_KEY"
  | "INVALID_COST"
  | "INVALID_OPTION"
  | "STORE_UNAVAILABLE"
  | "FOREIGN_STATE"
  | "WRONG_SCHEMA";

export class RateLimiterError extends HoldfastError<RateLimiterErrorCode> {
  static {
    RateLimiterError.prototype.name = "RateLimiterError";
  }
}
