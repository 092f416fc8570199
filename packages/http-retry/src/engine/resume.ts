// How far a response's body has come, how it can be taken up again where it broke, and whether it is what its digest says.

import { createHash, type Hash } from "node:crypto";
import type { Headers, RawHeaders } from "./attempt.ts";

export type RangeFields = Readonly<Record<"range" | "if-range", string>>;

/** Of responses that can be taken up again, or have a digest. The others need none. */
export class BodyProgress {
  /** The strong validator under which the rest may be asked for; undefined where there is none. */
  readonly #etag: string | undefined;
  readonly #encoding: string | string[] | undefined;
  /** Undefined where the response doesn't say. */
  readonly #length: number | undefined;
  readonly #digest: Digest | undefined;
  #received = 0;
  #isResumed = false;
  /** Bytes that come a second time. */
  #skipped = 0;

  private constructor(
    etag: string | undefined,
    length: number | undefined,
    digest: Digest | undefined,
    encoding: string | string[] | undefined,
  ) {
    this.#etag = etag;
    this.#length = length;
    this.#digest = digest;
    this.#encoding = encoding;
  }

  static of(method: string, status: number, headers: Headers, rawHeaders: RawHeaders): BodyProgress | undefined {
    if (method !== "GET" || status !== 200) return undefined;
    const etag = strong(headers["etag"]);
    const digest = headers["repr-digest"];
    if ((etag === undefined && digest === undefined) || isDecodedBelow(headers, rawHeaders)) return undefined;
    return new BodyProgress(
      etag,
      wholeNumber(headers["content-length"]),
      digestOf(digest),
      headers["content-encoding"],
    );
  }

  /** What asks for the rest, and only if the representation is still the same (RFC 9110, 13.1.5); undefined where nothing can. */
  get rangeFields(): RangeFields | undefined {
    if (this.#etag === undefined || this.#length === undefined || this.#received >= this.#length) return undefined;
    return { range: `bytes=${this.#received}-`, "if-range": this.#etag };
  }

  /** Whether this response to the range request goes on where the body broke. */
  continues(status: number, headers: Headers): boolean {
    if (this.rangeFields === undefined || headers["content-encoding"] !== this.#encoding) return false;
    const etag = headers["etag"];
    if (status === 206) {
      const range = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(String(headers["content-range"]));
      if (range === null || (etag !== undefined && etag !== this.#etag)) return false;
      const [first, last, length] = range.slice(1).map(Number) as [number, number, number];
      if (first !== this.#received || length !== this.#length || last < first || last >= length) return false;
      this.#skipped = 0;
    } else if (status === 200 && etag === this.#etag && wholeNumber(headers["content-length"]) === this.#length) {
      // The server doesn't know ranges. By its strong validator it sends the same bytes once more.
      this.#skipped = this.#received;
    } else return false;
    this.#isResumed = true;
    return true;
  }

  /** What is new of this piece; undefined where nothing is. */
  take(chunk: Buffer): Buffer | undefined {
    let part = chunk;
    if (this.#skipped > 0) {
      part = chunk.subarray(this.#skipped);
      this.#skipped = Math.max(0, this.#skipped - chunk.byteLength);
      if (part.byteLength === 0) return undefined;
    }
    this.#received += part.byteLength;
    this.#digest?.hash.update(part);
    return part;
  }

  /** undici looks at the length of one response. That of the parts together is left to us. */
  get isShort(): boolean {
    return this.#isResumed && this.#received !== this.#length;
  }

  /** Once the body is whole. */
  get isCorrupt(): boolean {
    return this.#digest !== undefined && this.#digest.hash.digest("base64") !== this.#digest.expected;
  }
}

export interface Digest {
  readonly hash: Hash;
  /** In base64. */
  readonly expected: string;
}

/** RFC 9530: a dictionary of algorithms. The strongest that we know and that is well-formed counts. */
export function digestOf(field: string | string[] | undefined): Digest | undefined {
  if (field === undefined) return undefined;
  const text = String(field);
  for (const [name, algorithm, length] of [
    ["sha-512", "sha512", 64],
    ["sha-256", "sha256", 32],
  ] as const) {
    const expected = new RegExp(`(?:^|,)[ \\t]*${name}=:([A-Za-z0-9+/]+=*):[ \\t]*(?:;[^,]*)?(?:,|$)`).exec(text)?.[1];
    const bytes = Buffer.from(expected ?? "", "base64");
    if (bytes.byteLength === length) return { hash: createHash(algorithm), expected: bytes.toString("base64") };
  }
  return undefined;
}

/** RFC 9110, 8.8.3: a weak one starts with W/. */
export function strong(etag: string | readonly string[] | undefined): string | undefined {
  return typeof etag === "string" && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined;
}

export function wholeNumber(text: string | string[] | undefined): number | undefined {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Whether an interceptor below took the content coding off: then neither offsets nor digests are of the bytes that we see. */
function isDecodedBelow(headers: Headers, raw: RawHeaders): boolean {
  if (headers["content-encoding"] !== undefined || raw === null) return false;
  const names = Array.isArray(raw) ? raw.filter((_, index) => index % 2 === 0) : Object.keys(raw);
  return names.some((name) => String(name).toLowerCase() === "content-encoding");
}
