// What this package throws. A key that is refused is a value, never one of these.

import { HoldfastError } from "@holdfast/core";

/**
 * - `INVALID_OPTION`: an option that can't be used as given
 * - `INVALID_SCOPE`: a scope, role or limit that is not of the form it must have
 * - `SCOPE_EXCEEDED`: a key was asked for that may do more than whoever asks
 * - `NOT_FOUND`: no key has this id
 * - `CONFLICT`: the key was changed meanwhile, or is in a state that forbids the call: a revoked key can't rotate
 * - `READ_ONLY`: the store can't be written to, as that of the environment
 * - `WRONG_SCHEMA`: the table was made by a later version, or by something else
 */
export type ApiKeyErrorCode =
  | "INVALID_OPTION"
  | "INVALID_SCOPE"
  | "SCOPE_EXCEEDED"
  | "NOT_FOUND"
  | "CONFLICT"
  | "READ_ONLY"
  | "WRONG_SCHEMA";

export class ApiKeyError extends HoldfastError<ApiKeyErrorCode> {
  static {
    ApiKeyError.prototype.name = "ApiKeyError";
  }
}
