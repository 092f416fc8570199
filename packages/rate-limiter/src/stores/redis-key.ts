// What a subject is called in Redis.

import { hash } from "node:crypto";

// Redis keeps a key's every byte; past this a digest is shorter.
const LONGEST_KEY = 200;

/**
 * The part of a subject's name that its rule set decides. Its length comes first, so that no limiter's name and key can be read
 * as another's. `v1` is the layout of the hash: another layout gets other names, and neither misreads the other.
 * The brace opens a hash tag: whatever else is ever kept for the subject lies in the same slot of a cluster.
 */
export function subjectStart(prefix: string, rulesId: string): string {
  return `${prefix}v1:{${rulesId.length}:${rulesId}`;
}

/**
 * A key as it is, where UTF-8 can say it, or a digest of its UTF-16 units: unpaired surrogates would all become the same
 * replacement character on their way to Redis. The mark before it keeps digests and keys apart.
 */
export function subjectName(start: string, key: string): string {
  if (key.length <= LONGEST_KEY && key.isWellFormed()) return `${start}:${key}}`;
  return `${start}#${hash("sha256", Buffer.from(key, "utf16le"), "base64url")}}`;
}
