// The ring of signing keys: by `kid`, imported once, weak ones refused, and optionally one for each tenant.

import { createSecretKey, hkdfSync, type webcrypto } from "node:crypto";
import type { Secret } from "@holdfast/core";
import { EmbedTokenError } from "./errors.ts";
import { keyBytes } from "./key-strength.ts";
import { createRecent } from "./recent.ts";

export interface EmbedKey {
  /** The `kid` in each token's header: `[A-Za-z0-9_-]`, 1 to 32 characters, unique in the ring. Never give it to another key. */
  readonly id: string;
  /** At least 32 random bytes, as they are or as base64url. */
  readonly key: string | Uint8Array | Secret<string | Uint8Array>;
}

export type SigningKey = webcrypto.CryptoKey;

export interface KeyRing {
  readonly perTenant: boolean;
  /** The one that new tokens are signed by. */
  readonly currentId: string;
  /** Its key, or the tenant's own. */
  currentKey(tenant: string | undefined): SigningKey;
  /** The key of that id, or the tenant's own where each has one: that is derived at each call. Undefined where there is none. */
  find(id: string, tenant: string | undefined): SigningKey | undefined;
}

interface RingEntry {
  readonly bytes: Uint8Array;
  readonly key: SigningKey;
}

const MOST_KEYS = 16;
const MOST_TENANTS = 2000;
const DERIVED_BYTES = 32;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

/** @throws EmbedTokenError `INVALID_KEY` */
export function createKeyRing(keys: readonly EmbedKey[], perTenant: boolean): KeyRing {
  const ring = new Map<string, RingEntry>();
  for (const [index, given] of keys.entries()) {
    // An id out of its form is not shown: it may be the key, put in the wrong place.
    if (typeof given.id !== "string" || !/^[\w-]{1,32}$/.test(given.id)) {
      throw new EmbedTokenError("INVALID_KEY", `keys[${index}].id must be 1 to 32 letters, digits, "_" or "-"`);
    }
    if (ring.has(given.id)) {
      throw new EmbedTokenError("INVALID_KEY", `Key id "${given.id}" is given twice: each key needs its own`);
    }
    const bytes = keyBytes(given.id, given.key);
    ring.set(given.id, { bytes, key: imported(bytes) });
  }
  const [first] = ring;
  if (first === undefined || ring.size > MOST_KEYS) {
    throw new EmbedTokenError("INVALID_KEY", `Give 1 to ${MOST_KEYS} keys; the first signs, all verify`);
  }
  const [currentId, current] = first;
  const currentOfTenants = createRecent<SigningKey>(MOST_TENANTS);

  return {
    perTenant,
    currentId,
    currentKey(tenant) {
      if (!perTenant || tenant === undefined) return current.key;
      const known = currentOfTenants.get(tenant);
      const key = known ?? derived(current.bytes, currentId, tenant);
      if (!known) currentOfTenants.set(tenant, key);
      return key;
    },
    find(id, tenant) {
      const entry = ring.get(id);
      if (!entry || !perTenant) return entry?.key;
      return tenant === undefined ? undefined : derived(entry.bytes, id, tenant);
    },
  };
}

/** RFC 5869. Neither id nor tenant can hold a NUL, so no two pairs give the same info. */
function derived(master: Uint8Array, id: string, tenant: string): SigningKey {
  return imported(hkdfSync("sha256", master, "", `holdfast embed-token 1\0${id}\0${tenant}`, DERIVED_BYTES));
}

function imported(bytes: Uint8Array | ArrayBuffer): SigningKey {
  return createSecretKey(new Uint8Array(bytes)).toCryptoKey(ALGORITHM, false, ["sign", "verify"]);
}
