// What a signing key must be. HS256 is as strong as its key: whoever sees one token can try keys at leisure.

import { hash } from "node:crypto";
import type { Secret } from "@holdfast/core";
import { EmbedTokenError } from "./errors.ts";

/** RFC 7518, 3.2: as long as the hash at least. */
const LEAST_BYTES = 32;
// Ample for any key: a longer one is hashed down to 32 bytes by HMAC.
const MOST_BYTES = 1024;
/** Of 32 random bytes some 30 are distinct; fewer than 16 are as good as never. */
const LEAST_DISTINCT_BYTES = 16;
/** Of 43 random characters of base64url some 31 are distinct; fewer than 20 in one key of some hundred millions. */
const LEAST_DISTINCT_CHARACTERS = 20;

/** SHA-256 of long keys that anybody can look up. */
const PUBLISHED = new Set([
  // RFC 7515, A.1, and RFC 7517, A.3.
  "c8ecc9361a05e285f04c26f9572131a6deab07e9e2b865053c6f75a4d8bd2b32",
  // RFC 7520, 3.5.
  "73ec74458059c70cae3f0ade8663fe0da1dc4b114ed8cdac75364140b4458a4c",
  // The manual of jose.
  "456216ab33bab7d7b272f417397e8ed534f04b103843b76066be369715af7e71",
]);

const NEW_ONE = 'A new one: randomBytes(32).toString("base64url")';

/** The key's bytes. @throws EmbedTokenError `INVALID_KEY`: what was wrong, never the key */
export function keyBytes(id: string, key: string | Uint8Array | Secret<string | Uint8Array>): Uint8Array {
  const value: unknown = typeof key === "string" || key instanceof Uint8Array ? key : key?.reveal?.();
  const bytes = typeof value === "string" ? decoded(id, value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length < LEAST_BYTES || bytes.length > MOST_BYTES) {
    throw weak(id, `must be ${LEAST_BYTES} to ${MOST_BYTES} bytes, or as many in base64url`);
  }
  if (PUBLISHED.has(hash("sha256", bytes))) throw weak(id, "is printed in a standard or a manual");
  if (isText(bytes)) throw weak(id, "is text in bytes: a passphrase, PEM or JSON, or a key that is still encoded");
  if (hasPattern(bytes)) throw weak(id, "repeats or counts");
  return new Uint8Array(bytes);
}

function decoded(id: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) {
    throw weak(id, "is a string that is not base64url without padding");
  }
  if (bytes.length >= LEAST_BYTES && !looksRandom(text)) {
    throw weak(id, 'reads like a passphrase or hex; hex must be given as bytes: Buffer.from(text, "hex")');
  }
  return bytes;
}

/** Base64url of random bytes has letters of both kinds, and many different characters. */
function looksRandom(text: string): boolean {
  return (
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text) &&
    new Set(text).size >= LEAST_DISTINCT_CHARACTERS &&
    !/secret|passw|change|example|default/i.test(text)
  );
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x09 && byte <= 0x0d));
}

/** Few different bytes, a part that comes again to the end, or steps that are all the same. */
function hasPattern(bytes: Uint8Array): boolean {
  if (new Set(bytes).size < LEAST_DISTINCT_BYTES) return true;
  const steps = bytes.map((byte, index) => byte - (bytes[index - 1] ?? 0)).subarray(1);
  return steps.every((step) => step === steps[0]) || periods(bytes).some((period) => repeats(bytes, period));
}

function periods({ length }: Uint8Array): number[] {
  return Array.from({ length: length >> 1 }, (_, index) => index + 1);
}

function repeats(bytes: Uint8Array, period: number): boolean {
  return bytes.every((byte, index) => index < period || byte === bytes[index - period]);
}

function weak(id: string, problem: string): EmbedTokenError {
  return new EmbedTokenError("INVALID_KEY", `Key "${id}" ${problem}. ${NEW_ONE}`);
}
