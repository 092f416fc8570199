// What this package throws. A token that is refused is a value, never one of these.

import { HoldfastError } from "@holdfast/core";

/**
 * - `INVALID_OPTION`: an option that can't be used as given
 * - `INVALID_KEY`: a signing key that is short, weak, a published sample, or in a form that is not read
 * - `INVALID_GRANT`: a token was asked for that the verifier would refuse
 * - `SESSION_TOO_LARGE`: a session that no browser would keep as a cookie
 * - `STORE_UNAVAILABLE`: a revocation that may not be in the store: it failed or did not answer in time
 * - `WRONG_SCHEMA`: the table was made by a later version, or by something else
 */
export type EmbedTokenErrorCode =
  | "INVALID_OPTION"
  | "INVALID_KEY"
  | "INVALID_GRANT"
  | "SESSION_TOO_LARGE"
  | "STORE_UNAVAILABLE"
  | "WRONG_SCHEMA";

export class EmbedTokenError extends HoldfastError<EmbedTokenErrorCode> {
  static {
    EmbedTokenError.prototype.name = "EmbedTokenError";
  }
}
