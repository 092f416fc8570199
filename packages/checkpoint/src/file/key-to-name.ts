// Names of files for keys: such as any file system takes, and keeps apart where it does not tell "a" from "A".

import { hash } from "node:crypto";

/** Leaves room for what stands behind it in the names of locks and temporary files, also where 143 bytes are the most. */
const MOST_NAME_BYTES = 80;
const ENDING = ".checkpoint";

/**
 * Small letters, digits, "-" and "_" stand for themselves, and each other byte for its percent code. What begins with "k-" is no device of
 * Windows. A key whose name would be too long goes by its hash.
 */
export function nameOf(key: string): string {
  const spelled = key.replace(/[^a-z0-9_-]+/g, percentCodes);
  return spelled.length <= MOST_NAME_BYTES ? `k-${spelled}${ENDING}` : `h-${hash("sha256", key)}${ENDING}`;
}

/** The key, or "hashed" where only the file's content tells it; undefined where the name is no key's. */
export function keyOf(name: string): { readonly key: string } | "hashed" | undefined {
  if (/^h-[0-9a-f]{64}\.checkpoint$/.test(name)) return "hashed";
  const spelled = /^k-((?:[a-z0-9_-]|%[0-9a-f]{2})+)\.checkpoint$/.exec(name)?.[1];
  if (spelled === undefined) return undefined;
  const key = Buffer.from(
    spelled.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();
  return nameOf(key) === name ? { key } : undefined;
}

function percentCodes(characters: string): string {
  return Buffer.from(characters).toString("hex").replace(/../g, "%$&");
}
