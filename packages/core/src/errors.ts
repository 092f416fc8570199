// The one error class that every package's own error extends.

/** What core itself throws. */
export type CoreErrorCode = "INVALID_DURATION" | "INVALID_RATE" | "INVALID_BYTES";

/**
 * An error with a stable `code` to switch on. The message says what was wrong, with which input, and what to do about it;
 * it may change between versions, the code may not. A message never holds a secret.
 */
export class HoldfastError<Code extends string = string> extends Error {
  static {
    // On the prototype, so that a stack trace and util.inspect name the class without an own property in each error.
    HoldfastError.prototype.name = "HoldfastError";
  }

  /** Stable, upper-case, out of the union that the throwing package documents. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
