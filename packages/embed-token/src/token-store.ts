// The interfaces that stores of marks and of revocations fulfil. One store may be both.

export interface StoreCall {
  /** Rejects the call with its reason. What was sent may still be done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Remembers which one-time tokens were used. A name is any string of 1 to 300 UTF-16 units without control characters and lone
 * surrogates; names never meet, however alike. Each call is atomic, and what it resolved to holds for every call that starts later, in
 * whichever process. After a rejection the mark may be there or not. Time is the store's own.
 */
export interface MarkStore {
  /**
   * Marks a name for `keepMs` milliseconds from now, a whole number >= 1. Of all calls on a name that no mark is kept of, one resolves to true;
   * the others to false, and they leave the mark as it is. A mark may be kept longer, and never shorter.
   */
  mark(name: string, keepMs: number, call?: StoreCall): Promise<boolean>;
  close(): Promise<void>;
}

/** Up to when what is so named was issued that is revoked, in milliseconds since the epoch; `Infinity` where all of it is, for good. */
export type Revocation = number;

/**
 * Remembers what is revoked, by name. Names, atomicity, visibility, rejections and time are those of a `MarkStore`, and the same name is another
 * there and here.
 */
export interface RevocationStore {
  /**
   * Revokes what was issued up to `issuedUpTo`, and remembers it for `keepMs` from now; both may be `Infinity`. Where the name is revoked
   * already, the later of each counts: a revocation never shrinks.
   */
  revoke(name: string, issuedUpTo: Revocation, keepMs: number, call?: StoreCall): Promise<void>;
  /** For each of up to 16 names in their order, its revocation, or undefined. It may be remembered longer than asked, and never shorter. */
  revocations(names: readonly string[], call?: StoreCall): Promise<readonly (Revocation | undefined)[]>;
  close(): Promise<void>;
}

export interface TokenStore extends MarkStore, RevocationStore {}
