// A key as everybody may see it: its record without what is compared.

import type { KeyRecord } from "./key-store.ts";

/** What is known of a key. Never the key, its secret or a digest of them. */
export type KeyInfo = Omit<KeyRecord, "digest" | "pepperId" | "version">;

/** Field by field, so that a field which is added to records is not told by accident. */
export function infoOf(record: KeyRecord): KeyInfo {
  return {
    id: record.id,
    environment: record.environment,
    name: record.name,
    owner: record.owner,
    scopes: record.scopes,
    limits: record.limits,
    metadata: record.metadata,
    createdAt: record.createdAt,
    createdBy: record.createdBy,
    expiresAt: record.expiresAt,
    revokedAt: record.revokedAt,
    revokedBecause: record.revokedBecause,
    lastUsedAt: record.lastUsedAt,
    successorId: record.successorId,
  };
}
