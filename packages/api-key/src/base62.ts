// Base62, of which a double click and every secret scanner take a whole word: digits, capitals, small letters.

import { randomBytes } from "node:crypto";

export const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** By character code, its value; -1 for what is no digit of base62. */
export const BASE62_VALUES: Int8Array = Int8Array.from({ length: 128 }, (_, code) =>
  BASE62.indexOf(String.fromCharCode(code)),
);

/** `length` random digits, each as likely as any other: bytes from 248 on are thrown away, for 256 is no multiple of 62. */
export function randomBase62(length: number, random: (size: number) => Uint8Array = randomBytes): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random(length - text.length)) if (byte < 248) text += BASE62.charAt(byte % 62);
  }
  return text;
}

/** A whole number from 0 to 2^32 - 1 in 6 digits, leading zeros kept. */
export function formatChecksum(value: number): string {
  let text = "";
  for (let rest = value; text.length < 6; rest = Math.floor(rest / 62)) text = BASE62.charAt(rest % 62) + text;
  return text;
}
