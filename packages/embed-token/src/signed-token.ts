// From a token's text to claims that one of our keys has signed. Nothing of the payload is decoded before the signature is good.

import { errors, flattenedVerify } from "jose";
import { type Claims, readClaims } from "./claims.ts";
import type { RefusalReason } from "./events.ts";
import { parseObject } from "./json.ts";
import type { KeyRing, SigningKey } from "./keys.ts";
import { createRecent } from "./recent.ts";
import { ALGORITHM, readHeader, split } from "./strict.ts";

export interface SignedToken {
  readonly ok: true;
  readonly claims: Claims;
  readonly keyId: string;
}

export interface UnreadToken {
  readonly ok: false;
  readonly reason: RefusalReason;
}

/** What a header's text stands for. */
interface Signer {
  readonly keyId: string;
  readonly tenant: string | undefined;
  readonly key: SigningKey;
}

const VERIFY_OPTIONS = { algorithms: [ALGORITHM] };
/** One for each key, and tenant where each has its own. */
const MOST_SIGNERS = 2000;

/** Reads tokens that are signed by a key of the ring. */
export function createReader(ring: KeyRing): (token: string) => Promise<SignedToken | UnreadToken> {
  const signers = createRecent<Signer>(MOST_SIGNERS);

  function signerOf(header: string): Signer | UnreadToken {
    const read = readHeader(header);
    if (!read || (read.tenant !== undefined) !== ring.perTenant) return unread("wrong-header");
    const key = ring.find(read.kid, read.tenant);
    return key ? { keyId: read.kid, tenant: read.tenant, key } : unread("unknown-key");
  }

  return async (token) => {
    const parts = split(token);
    if (!parts) return unread("malformed");
    const known = signers.get(parts.protected);
    const signer = known ?? signerOf(parts.protected);
    if ("ok" in signer) return signer;
    const { keyId, tenant, key } = signer;
    let payload: Uint8Array;
    try {
      ({ payload } = await flattenedVerify(parts, key, VERIFY_OPTIONS));
    } catch (error) {
      if (error instanceof errors.JOSEError) return unread("wrong-signature");
      throw error;
    }
    // Only now, so that made-up tenants take nobody's place.
    if (!known) signers.set(copyOf(parts.protected), signer);
    const parsed = parseObject(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    const claims = parsed && readClaims(parsed);
    if (!claims) return unread("malformed-claims");
    // The tenant whose key it is, and no other.
    if (tenant !== undefined && tenant !== claims.tenant) return unread("malformed-claims");
    return { ok: true, claims, keyId };
  };
}

/** A part of a string keeps the whole of it in memory, and the whole is a token. */
function copyOf(ascii: string): string {
  return Buffer.from(ascii, "latin1").toString("latin1");
}

function unread(reason: RefusalReason): UnreadToken {
  return { ok: false, reason };
}
