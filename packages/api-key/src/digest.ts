// What is kept of a key, and the comparison with it. A slow password hash would be wrong here: it makes up for passwords that can be
// guessed, which 166 random bits can't, and would let anybody burn a second of processor time with each made-up key.

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secret } from "@holdfast/core";
import { ApiKeyError } from "./errors.ts";

export interface Pepper {
  /** Kept beside each digest: `[A-Za-z0-9_-]`, 1 to 32 characters. Never give it to another pepper. */
  readonly id: string;
  /** At least 32 random bytes, as they are or as base64url. */
  readonly key: string | Uint8Array | Secret<string | Uint8Array>;
}

export interface KeptDigest {
  readonly digest: Uint8Array;
  readonly pepperId: string | null;
}

export interface Digests {
  /** Of the pepper that new digests are made under; null where there is none. */
  readonly pepperId: string | null;
  /** For keeping, under the first pepper. `text` is ASCII. */
  make(text: string): KeptDigest;
  /**
   * Whether `kept` was made of this text. Takes the same time whichever byte differs, and as long where there is nothing kept or its
   * pepper is not in the ring; then it is false.
   */
  matches(text: string, kept: KeptDigest | undefined): boolean;
}

type Digest = (text: string) => Uint8Array;

const DIGEST_BYTES = 32;
const PEPPER_BYTES = 32;
/** SHA-256's, and so HMAC's (RFC 2104). */
const BLOCK_BYTES = 64;
/** Longer texts are no keys. */
const MOST_TEXT = 256;

/** SHA-256 without a pepper, HMAC-SHA-256 under the first of several. @throws ApiKeyError `INVALID_OPTION` */
export function createDigests(peppers: readonly Pepper[] = []): Digests {
  const ring = new Map<string | null, Digest>([[null, sha256]]);
  for (const [index, pepper] of peppers.entries()) {
    // An id out of its form is not shown: it may be the key, put in the wrong place.
    if (typeof pepper.id !== "string" || !/^[\w-]{1,32}$/.test(pepper.id)) {
      throw new ApiKeyError("INVALID_OPTION", `peppers[${index}].id must be 1 to 32 letters, digits, "_" or "-"`);
    }
    if (ring.has(pepper.id)) throw new ApiKeyError("INVALID_OPTION", `Pepper id "${pepper.id}" is given twice`);
    ring.set(pepper.id, hmacSha256(pepperBytes(pepper)));
  }
  const pepperId = peppers[0]?.id ?? null;
  const current = ring.get(pepperId) ?? sha256;
  const nobodys = randomBytes(DIGEST_BYTES);

  return {
    pepperId,
    make: (text) => ({ digest: new Uint8Array(current(text)), pepperId }),
    matches(text, kept) {
      const own = kept && ring.get(kept.pepperId);
      const expected = own && kept.digest.length === DIGEST_BYTES ? kept.digest : undefined;
      return timingSafeEqual((own ?? current)(text), expected ?? nobodys) && expected !== undefined;
    },
  };
}

/** Whether a text may be a key of a form that is not ours: printable ASCII without a space. */
export function isForeignText(text: string): boolean {
  return typeof text === "string" && text.length <= MOST_TEXT && /^[!-~]+$/.test(text);
}

// `hash` is a third of the price of createHash and createHmac, and least where it returns text. What the functions return is
// overwritten by the next call.
const result: Buffer = Buffer.alloc(DIGEST_BYTES);

export function sha256(text: string): Uint8Array {
  result.write(hash("sha256", text, "binary"), 0, "latin1");
  return result;
}

/** RFC 2104, out of two one-shot hashes. */
export function hmacSha256(key: Uint8Array): Digest {
  const block = Buffer.alloc(BLOCK_BYTES);
  if (key.length > BLOCK_BYTES) block.write(hash("sha256", key, "binary"), 0, "latin1");
  else block.set(key);
  const inner = Buffer.alloc(BLOCK_BYTES + MOST_TEXT);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  for (const [index, byte] of block.entries()) {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  // Made anew only for a text of another length: all keys of a prefix and environment are as long.
  let message = inner;
  return (text) => {
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES, "latin1");
    if (message.length !== end) message = inner.subarray(0, end);
    outer.write(hash("sha256", message, "binary"), BLOCK_BYTES, "latin1");
    result.write(hash("sha256", outer, "binary"), 0, "latin1");
    return result;
  };
}

function pepperBytes({ id, key }: Pepper): Uint8Array {
  const value: unknown = typeof key === "string" || key instanceof Uint8Array ? key : key?.reveal?.();
  const bytes = typeof value === "string" ? decode(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length < PEPPER_BYTES) {
    throw new ApiKeyError(
      "INVALID_OPTION",
      `Pepper "${id}" must be at least 32 bytes, or 43 characters of base64url. A new one: randomBytes(32).toString("base64url")`,
    );
  }
  if (bytes.every((byte) => byte === bytes[0])) {
    throw new ApiKeyError("INVALID_OPTION", `Pepper "${id}" is one byte over and over: give it 32 random bytes`);
  }
  return bytes;
}

/** The bytes of base64url in its one canonical form. */
function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
