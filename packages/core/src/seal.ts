// Small values sealed at rest: AES-256-GCM under a ring of keys, each value bound to the place that it was sealed for.

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { HoldfastError, type Secret } from "@holdfast/core";

/** One key of the ring. */
export interface SealKey {
  /** Stands in the clear in what it seals: `[A-Za-z0-9_-]`, 1 to 32 characters, unique in the ring. Never give it to another key. */
  readonly id: string;
  /** Exactly 32 random bytes, as they are or as 43 characters of base64url. */
  readonly key: string | Uint8Array | Secret<string | Uint8Array>;
}

export interface SealOptions {
  /** The first one seals, all of them open. */
  readonly keys: readonly SealKey[];
}

export type SealErrorCode =
  | "INVALID_KEY"
  | "INVALID_CONTEXT"
  | "INVALID_PLAINTEXT"
  | "TOO_LARGE"
  | "MALFORMED"
  | "UNSUPPORTED_VERSION"
  | "UNKNOWN_KEY"
  | "NOT_AUTHENTIC"
  | "NOT_TEXT";

/** Never holds a key, a plaintext or a context. */
export class SealError extends HoldfastError<SealErrorCode> {
  static {
    SealError.prototype.name = "SealError";
  }
}

/**
 * Seals and opens. A `context` says where a value belongs (`"tenant/7/webhook/31/secret"`): what was sealed for one opens under no
 * other. It is authenticated, not stored. Nonces are random, so one key is good for 2^32 seals (NIST SP 800-38D, 8.3);
 * put a new key first well before that.
 */
export interface Seal {
  /**
   * Seals up to 65,536 bytes; a string goes in as UTF-8. The same value never gives the same text twice.
   * @throws SealError `TOO_LARGE`; `INVALID_PLAINTEXT`, `INVALID_CONTEXT`: a string with a lone surrogate, or no string at all
   */
  seal(plaintext: string | Uint8Array, context: string): string;
  /**
   * The bytes that were sealed.
   * @throws SealError `MALFORMED`: no text that `seal` could have made; `UNSUPPORTED_VERSION`: made by a later version;
   * `UNKNOWN_KEY`: its key is not in the ring; `NOT_AUTHENTIC`: changed, sealed for another context, or by another key of that id
   */
  open(sealed: string, context: string): Uint8Array;
  /**
   * As `open`, for what was sealed as a string.
   * @throws SealError also `NOT_TEXT`: the bytes are no UTF-8
   */
  openText(sealed: string, context: string): string;
  /** Whether another key than the first sealed it. Reads the key's id and opens nothing; throws as `open` does up to `UNKNOWN_KEY`. */
  needsReseal(sealed: string): boolean;
  /** Opens and seals anew, by the first key. Throws as `open` does. */
  reseal(sealed: string, context: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MOST_PLAINTEXT_BYTES = 65_536;
const MOST_PAYLOAD_CHARACTERS = Math.ceil(((NONCE_BYTES + MOST_PLAINTEXT_BYTES + TAG_BYTES) * 4) / 3);

/**
 * Makes a seal over a ring of keys.
 *
 * @example
 * const seal = createSeal({ keys: [{ id: "2026-10", key: config.sealKey }] });
 * const sealed = seal.seal("hunter2", "tenant/7/smtp-password"); // hf1.2026-10.Zm9v…
 * seal.openText(sealed, "tenant/7/smtp-password"); // hunter2
 * @throws SealError `INVALID_KEY`: no key, an id out of its form or given twice, not 32 bytes, or 32 equal ones
 */
export function createSeal({ keys }: SealOptions): Seal {
  const ring = new Map<string, KeyObject>();
  for (const [i, { id, key }] of keys.entries()) {
    // An id out of its form is not shown: it may be the key, put in the wrong place.
    if (typeof id !== "string" || !/^[\w-]{1,32}$/.test(id)) {
      throw new SealError("INVALID_KEY", `keys[${i}].id must be 1 to 32 letters, digits, "_" or "-"`);
    }
    if (ring.has(id)) throw new SealError("INVALID_KEY", `Key id "${id}" is given twice: each key needs its own`);
    ring.set(id, createSecretKey(keyBytes(id, key)));
  }
  const [first] = ring;
  if (!first) throw new SealError("INVALID_KEY", "A seal needs at least one key");
  const [firstId, firstKey] = first;

  const seal = (plaintext: string | Uint8Array, context: string): string => {
    const bytes = plaintextBytes(plaintext);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", firstKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundData(firstId, context));
    const payload = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    return `hf1.${firstId}.${payload.toString("base64url")}`;
  };

  const open = (sealed: string, context: string): Buffer => {
    const { id, payload } = split(sealed);
    const key = ring.get(id);
    if (!key) throw unknownKey(id);
    const end = payload.length - TAG_BYTES;
    const decipher = createDecipheriv("aes-256-gcm", key, payload.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundData(id, context));
    decipher.setAuthTag(payload.subarray(end));
    const plaintext = decipher.update(payload.subarray(NONCE_BYTES, end));
    try {
      decipher.final();
    } catch {
      throw new SealError(
        "NOT_AUTHENTIC",
        `The sealed value does not open under key "${id}": it was changed, belongs to another context, or the id has another key now`,
      );
    }
    return plaintext;
  };

  return {
    seal,
    open: (sealed, context) => new Uint8Array(open(sealed, context)),
    openText(sealed, context) {
      const bytes = open(sealed, context);
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        throw new SealError("NOT_TEXT", "The sealed value is not UTF-8 text: open it as bytes");
      }
    },
    needsReseal(sealed) {
      const { id } = split(sealed);
      if (!ring.has(id)) throw unknownKey(id);
      return id !== firstId;
    },
    reseal: (sealed, context) => seal(open(sealed, context), context),
  };
}

function keyBytes(id: string, key: SealKey["key"]): Uint8Array {
  const value: unknown = typeof key === "string" || key instanceof Uint8Array ? key : key?.reveal?.();
  const bytes = typeof value === "string" ? decode(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
    throw new SealError(
      "INVALID_KEY",
      `Key "${id}" must be exactly 32 bytes, or 43 characters of base64url. A new one: randomBytes(32).toString("base64url")`,
    );
  }
  if (bytes.every((byte) => byte === bytes[0])) {
    throw new SealError("INVALID_KEY", `Key "${id}" is one byte over and over: give it 32 random bytes`);
  }
  return bytes;
}

function plaintextBytes(plaintext: string | Uint8Array): Uint8Array {
  const isText = typeof plaintext === "string" && plaintext.isWellFormed();
  if (!isText && !(plaintext instanceof Uint8Array)) {
    throw new SealError("INVALID_PLAINTEXT", "Only a Uint8Array or a string without lone surrogates can be sealed");
  }
  const bytes = typeof plaintext === "string" ? Buffer.from(plaintext) : plaintext;
  if (bytes.length <= MOST_PLAINTEXT_BYTES) return bytes;
  throw new SealError(
    "TOO_LARGE",
    `A value of ${bytes.length} bytes is too large to seal: at most ${MOST_PLAINTEXT_BYTES}`,
  );
}

/** Version and key id can't contain a ".", so no two pairs of id and context give the same bytes. */
function boundData(id: string, context: string): Buffer {
  // Two lone surrogates are one and the same character in UTF-8, and so would two contexts be.
  if (typeof context === "string" && context.isWellFormed()) return Buffer.from(`hf1.${id}.${context}`);
  throw new SealError("INVALID_CONTEXT", "A context must be a string without lone surrogates");
}

function split(sealed: string): { readonly id: string; readonly payload: Buffer } {
  const version = typeof sealed === "string" ? /^hf([1-9]\d{0,3})\./.exec(sealed)?.[1] : undefined;
  if (version !== undefined && version !== "1") {
    throw new SealError(
      "UNSUPPORTED_VERSION",
      `The sealed value is of version ${version}, this library reads 1: update it`,
    );
  }
  const [, id, text] = (version && /^hf1\.([\w-]{1,32})\.([\w-]+)$/.exec(sealed)) || [];
  const payload = text !== undefined && text.length <= MOST_PAYLOAD_CHARACTERS ? decode(text) : undefined;
  if (id !== undefined && payload && payload.length >= NONCE_BYTES + TAG_BYTES) return { id, payload };
  throw new SealError("MALFORMED", "The text is no sealed value: hf1.<key id>.<base64url> was expected");
}

/** The bytes of base64url in its one canonical form: no padding, no other characters, no stray bits at the end. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function unknownKey(id: string): SealError {
  return new SealError("UNKNOWN_KEY", `No key "${id}" is in the ring: add the key that sealed this value`);
}
