// Secrets and keys. What comes out is a Secret, which prints as [redacted] wherever it goes.

import type { Secret } from "@holdfast/core";
import { type KeyEncoding, keyBytes, weaknessOf } from "../key-strength.ts";
import { invalid, type Parsed, valid } from "../parsed.ts";
import { strictVariable, type Variable } from "../variable.ts";

export interface SecretOptions {
  /** In UTF-16 units. Default 1. */
  readonly minLength?: number;
}

/** A password, token or other secret that somebody else made. For keys of one's own take `key()`. */
export function secret(options: SecretOptions = {}): Variable<Secret, "required"> {
  const { minLength = 1 } = options;
  const expected = minLength > 1 ? `a secret of at least ${minLength} characters` : "a secret";
  const parse = (text: string): Parsed =>
    text.length < minLength ? invalid(`is shorter than ${minLength} characters`) : valid(text);
  return strictVariable({ expected, parse }, true);
}

export interface KeyOptions {
  /** The least number of bytes that the key must hold when it is decoded. Default 32, which is 256 bits. */
  readonly minBytes?: number;
  /**
   * How the text stands for bytes. Default: measured as the weakest that it can be: hex if it is all hex digits, else
   * base64 or base64url if it is all of that alphabet, else UTF-8. A given encoding is also enforced.
   */
  readonly encoding?: KeyEncoding;
}

/**
 * A key that this service signs or encrypts with; gives the text as it stands. One that is too short is refused
 * everywhere; a placeholder, an example or a repetitive one is refused in production and warned of elsewhere.
 */
export function key(options: KeyOptions = {}): Variable<Secret, "required"> {
  const { minBytes = 32, encoding } = options;
  const expected = `a random key of at least ${minBytes} bytes${encoding ? ` in ${encoding}` : ""}`;
  const parse = (text: string): Parsed => {
    const measured = keyBytes(text, encoding);
    if (measured === undefined) return invalid(`is not ${encoding}`);
    if (measured.bytes >= minBytes) return valid(text);
    return invalid(
      `is too short for a key: it holds ${measured.bytes} bytes as ${measured.encoding}, of ${minBytes} needed`,
    );
  };
  return strictVariable({ expected, parse, weakness: weaknessOf, remedy: remedyOf(minBytes, encoding) }, true);
}

/** A new random key as base64url text. */
export function generateKey(bytes = 32): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
}

function remedyOf(minBytes: number, encoding: KeyEncoding = "base64url"): string {
  // UTF-8 counts characters, so hex text of half as many random bytes would look long enough and not be.
  const code = encoding === "utf-8" ? "base64url" : encoding;
  return `node -p "crypto.randomBytes(${minBytes}).toString('${code}')"`;
}
