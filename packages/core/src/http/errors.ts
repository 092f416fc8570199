/** What this entry throws, as `HoldfastError`. */
export type HttpErrorCode = "INVALID_ADDRESS" | "INVALID_PREFIX_LENGTH" | "INVALID_TRUSTED_PROXY" | "INVALID_PROBLEM";
