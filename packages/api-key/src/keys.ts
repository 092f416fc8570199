// What the user holds: keys made, checked, rotated and revoked, over a store.

import type { Clock, Duration, Logger, Secret } from "@holdfast/core";
import type { Pepper } from "./digest.ts";
import type { KeyHooks, RefusalReason, RequestFacts } from "./events.ts";
import type { FailureLimiter } from "./failures.ts";
import type { KeyFormat } from "./key-format.ts";
import type { KeyInfo } from "./key-info.ts";
import type { FindCall, KeyFilter, KeyStore, StoreCall } from "./key-store.ts";
import type { Grantor, NewKey } from "./new-key.ts";
import type { Roles } from "./roles.ts";
import type { Ask, Refusal, Verification, VerifyCall } from "./verification.ts";

export interface ApiKeysOptions {
  readonly store: KeyStore;
  /** What every key begins with: `"acme"`. 2 to 20 small letters, digits and `_` between words. */
  readonly prefix: string;
  /** Those that keys are accepted of; the first is that of new keys. Default `["live"]`. */
  readonly environments?: readonly string[] | undefined;
  /** Those that there are elsewhere, so that a test key in production is told from a typing mistake. Default `["live", "test"]`. */
  readonly otherEnvironments?: readonly string[] | undefined;
  /**
   * Keys outside the database under which digests are made: the first for new ones, all for checks. A record under another than the
   * first is put under it when its key is next used. Default: none, which is SHA-256.
   */
  readonly peppers?: readonly Pepper[] | undefined;
  /**
   * Whether the owner may still do this; asked when a scope is, for a key can do no more. Asked as well for each scope, wildcards included,
   * that a key of this owner would hand on. Default: the key's own scopes decide.
   */
  readonly ownerMay?: ((owner: string, scope: string) => boolean | Promise<boolean>) | undefined;
  /** Default: `read-only`, `write` and `admin` over all resources. */
  readonly roles?: Roles | undefined;
  /** Counts failures by address and by key id, and shuts out before the store is asked. A rate limiter of `@holdfast/rate-limiter` fits. */
  readonly failures?: FailureLimiter | undefined;
  /** How long before its end a key that is used is told of. Default 14 days. */
  readonly warnBefore?: Duration | undefined;
  readonly on?: KeyHooks | undefined;
  readonly logger?: Logger | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's own randomBytes. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

export interface CreatedKey {
  /** The key itself. It is in no store and can't be had again. */
  readonly text: Secret;
  readonly key: KeyInfo;
}

export interface RotatedKey extends CreatedKey {
  /** The old key, which ends at its `expiresAt`. */
  readonly previous: KeyInfo;
}

export interface RotateOptions extends StoreCall {
  /** How long the old key goes on, though never past its own end. Default 24 hours; 0 ends it at once. */
  readonly grace?: Duration | undefined;
  /** Whose doing it is. A key must hold all that the rotated one does. Default: the program's own. */
  readonly by?: Grantor | undefined;
  readonly requestId?: string | undefined;
}

export interface RevokeOptions extends StoreCall {
  readonly because?: string | undefined;
  /** Whose doing it is: a key's, or anybody's. */
  readonly by?: { readonly id: string } | undefined;
  readonly requestId?: string | undefined;
}

/** Calls reject with what the store rejects with; a face answers 503 to that, and nobody is let in. */
export interface ApiKeys {
  readonly format: KeyFormat;
  /** How long after a change made elsewhere `verify` may still answer as before it; 0 where the store asks the origin each time. */
  readonly maxStaleMs: number;
  /** Whose key a text is, and whether it is good for what is asked. Every outcome but a failing store is a value. */
  verify(text: string | undefined, call?: VerifyCall): Promise<Verification>;
  /** Whether a key that was accepted in this request is good for something more. */
  authorise(key: KeyInfo, ask: Ask): Promise<Verification>;
  /** A refusal that a face found by itself, told to hooks and channels. */
  refuse(reason: RefusalReason, facts?: RequestFacts): Refusal;
  /** Whose key a text is, whether it is still good or not. Counts as no use and no failure: for reports of leaks. */
  identify(text: string, call?: StoreCall): Promise<KeyInfo | undefined>;
  /**
   * @throws ApiKeyError `INVALID_OPTION`, `INVALID_SCOPE`; `SCOPE_EXCEEDED`: wider than `by`; `READ_ONLY`
   */
  create(key: NewKey, call?: StoreCall): Promise<CreatedKey>;
  find(id: string, call?: FindCall): Promise<KeyInfo | undefined>;
  list(filter?: KeyFilter, call?: StoreCall): Promise<readonly KeyInfo[]>;
  /**
   * Makes a successor with the same rights, owner and end, and lets the old key go on for a while.
   * @throws ApiKeyError `NOT_FOUND`; `CONFLICT`: revoked, expired, or rotated already; `SCOPE_EXCEEDED`: wider than `by`
   */
  rotate(id: string, options?: RotateOptions): Promise<RotatedKey>;
  /** Ends a key for good. Once more changes nothing. @throws ApiKeyError `NOT_FOUND` */
  revoke(id: string, options?: RevokeOptions): Promise<KeyInfo>;
  /** Waits for what is being written. The store stays open. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
