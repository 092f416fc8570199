// The interface that key stores fulfil.

/** What is kept of a key: everything but the key. Times are milliseconds since the epoch. */
export interface KeyRecord {
  /** Public, unique, never used again. */
  readonly id: string;
  /** 32 bytes: HMAC-SHA-256 of the key's text under the pepper, or its SHA-256 where there is none. */
  readonly digest: Uint8Array;
  /** Which pepper; null where there was none. */
  readonly pepperId: string | null;
  readonly environment: string;
  /** For people: what the key is for. */
  readonly name: string;
  /** Who may have it. */
  readonly owner: string;
  readonly scopes: readonly string[];
  /** What the key is confined to, by kind (`{ dataset: ["sales"], tenant: ["7"] }`). A kind that is absent is not confined; an empty list is nothing. */
  readonly limits: Readonly<Record<string, readonly string[]>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedBecause: string | null;
  readonly lastUsedAt: number | null;
  /** Set by a rotation: from then on the successor is to be used, and this key ends at `expiresAt`. */
  readonly successorId: string | null;
  /** Goes up by one with each change but those of `lastUsedAt`. */
  readonly version: number;
}

/** The fields that `update` may change. */
export type KeyChange = Partial<
  Pick<
    KeyRecord,
    | "digest"
    | "pepperId"
    | "name"
    | "owner"
    | "scopes"
    | "limits"
    | "metadata"
    | "expiresAt"
    | "revokedAt"
    | "revokedBecause"
    | "successorId"
  >
>;

export interface KeyFilter {
  readonly owner?: string | undefined;
  /** Whether revoked and expired keys are among them. Default true. */
  readonly includeEnded?: boolean | undefined;
  /** Ids that come after this one. */
  readonly after?: string | undefined;
  /** At most this many; 1 to 1000. Default 100. */
  readonly limit?: number | undefined;
}

export const DEFAULT_LIST_LIMIT = 100;

/** That of keys which say nothing of one. */
export const ANY_ENVIRONMENT = "any";

export interface StoreCall {
  /** Rejects the call with its reason. What was sent may still be done. */
  readonly signal?: AbortSignal | undefined;
}

export interface FindCall extends StoreCall {
  /** Asks the origin where `find` may answer from a copy, and so is right at once. Default false. */
  readonly fresh?: boolean | undefined;
}

/**
 * Keeps records by id. Each call is atomic, and what it resolved to is there for every call that starts later, in whichever
 * process; `find` alone may lag behind, by `maxStaleMs`. A call that rejects with an `ApiKeyError` has changed nothing; after any other
 * rejection what was asked may be done or not. Records that are handed out and in are never changed afterwards.
 */
export interface KeyStore {
  /** The record of that id, or undefined. */
  find(id: string, call?: FindCall): Promise<KeyRecord | undefined>;
  /** Present where records are in this process: what `find` resolves to, at once. */
  findSync?(id: string): KeyRecord | undefined;
  /**
   * Present where keys of foreign forms are kept: the record whose key has this SHA-256, after a look at every one of them.
   * Such a key is of ANY_ENVIRONMENT and has no pepper.
   */
  findForeign?(digest: Uint8Array): KeyRecord | undefined;
  /** Adds records, all or none. @throws ApiKeyError `CONFLICT`: an id is there already */
  add(records: readonly KeyRecord[], call?: StoreCall): Promise<void>;
  /**
   * Changes a record whose version is `version`, and may add another with it: both or none. Resolves to the record as it is now.
   * @throws ApiKeyError `NOT_FOUND`; `CONFLICT`: it has another version
   */
  update(id: string, version: number, change: KeyChange, added?: KeyRecord, call?: StoreCall): Promise<KeyRecord>;
  /** Puts `lastUsedAt` forward to `usedAt`; never back. Nothing where the id is unknown. */
  touch(id: string, usedAt: number, call?: StoreCall): Promise<void>;
  /** Records in the order of their ids, character by character. */
  list(filter: KeyFilter, call?: StoreCall): Promise<readonly KeyRecord[]>;
  /** Present where `find` may answer from a copy: how long after a change made elsewhere it may still answer as before it. */
  readonly maxStaleMs?: number;
  close(): Promise<void>;
}
