// Checks that come before the signature's, and that libraries leave out: size, characters, one encoding for each token, and a header
// that says nothing but what is used.

import { isTenant } from "./claims.ts";
import { parseObject } from "./json.ts";

/** Half of what Node lets all headers of a request be together, and far more than a grant needs. */
export const MOST_TOKEN_CHARACTERS = 8192;
/** Tells these tokens from every other that the same issuer may sign (RFC 8725, 3.11). */
export const TYPE = "embed+jwt";
export const ALGORITHM = "HS256";

export interface TokenParts {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export interface TokenHeader {
  readonly kid: string;
  readonly tenant: string | undefined;
}

// An HMAC-SHA-256 has 32 bytes, which are 43 characters.
const FORM = /^[\w-]+\.[\w-]+\.[\w-]{43}$/;

/** The three parts of a text that can be a token. */
export function split(token: string): TokenParts | undefined {
  if (token.length > MOST_TOKEN_CHARACTERS || !FORM.test(token)) return undefined;
  const first = token.indexOf(".");
  const second = token.indexOf(".", first + 1);
  const parts = {
    protected: token.slice(0, first),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
  };
  return isCanonical(parts.protected) && isCanonical(parts.payload) && isCanonical(parts.signature) ? parts : undefined;
}

/**
 * Whether the bits of the last character that stand for nothing are 0 (RFC 4648, 3.5). Decoders do not look at them, and one token
 * would have many texts.
 */
function isCanonical(part: string): boolean {
  const last = part.charAt(part.length - 1);
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return "AQgw".includes(last);
    case 3:
      return "AEIMQUYcgkosw048".includes(last);
    default:
      return false;
  }
}

/** A header with the members that ours have, each once, and no other. */
export function readHeader(part: string): TokenHeader | undefined {
  const parsed = parseObject(Buffer.from(part, "base64url"));
  if (!parsed) return undefined;
  const { alg, typ, kid, tenant } = parsed.value;
  const members = tenant === undefined ? 3 : 4;
  if (parsed.members !== members || Object.keys(parsed.value).length !== members) return undefined;
  if (alg !== ALGORITHM || typ !== TYPE || typeof kid !== "string") return undefined;
  return tenant === undefined || isTenant(tenant) ? { kid, tenant } : undefined;
}
