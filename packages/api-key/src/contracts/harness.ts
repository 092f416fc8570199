// What the suite works with: a store under test, and records to put in it.

import { createHash } from "node:crypto";
import { ApiKeyError, type ApiKeyErrorCode } from "../errors.ts";
import type { KeyRecord, KeyStore } from "../key-store.ts";

export interface KeyStoreUnderTest {
  /** Empty. */
  readonly store: KeyStore;
  /** Called when the test is over. */
  close(): Promise<void>;
}

export type MakeKeyStore = () => Promise<KeyStoreUnderTest>;

/** A test on a fresh store that is closed after it. */
export function contract(test: (store: KeyStore) => Promise<void>): (make: MakeKeyStore) => Promise<void> {
  return async (make) => {
    const under = await make();
    try {
      await test(under.store);
    } finally {
      await under.close();
    }
  };
}

/** A record of that id in which everything can be told from everything else. */
export function record(id: string, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    digest: new Uint8Array(createHash("sha256").update(id).digest()),
    pepperId: null,
    environment: "live",
    name: `name of ${id}`,
    owner: `owner of ${id}`,
    scopes: ["datasets:read", "reports:*"],
    limits: { dataset: ["sales", "stock"], tenant: [] },
    metadata: { ticket: "T-1" },
    createdAt: 1_700_000_000_001,
    createdBy: null,
    expiresAt: null,
    revokedAt: null,
    revokedBecause: null,
    lastUsedAt: null,
    successorId: null,
    version: 1,
    ...fields,
  };
}

/** For `assert.rejects`. */
export function withCode(code: ApiKeyErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ApiKeyError && error.code === code;
}
