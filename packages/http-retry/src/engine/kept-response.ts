// A response that is not passed on, with as much of its body as an error may carry.

import type { KeptResponse } from "../errors.ts";

/** 64 KiB: what a problem+json or an error page needs. */
export const KEPT_BYTES: number = 64 * 1024;

export class PartlyKept implements KeptResponse {
  readonly status: number;
  readonly headers: KeptResponse["headers"];
  isTruncated = true;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(status: number, headers: KeptResponse["headers"]) {
    this.status = status;
    this.headers = headers;
  }

  /** The bytes that came, kept or not. */
  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    const room = KEPT_BYTES - this.#size;
    // A copy: the chunk may be a small view of a large buffer.
    if (room > 0) this.#pieces.push(new Uint8Array(chunk.subarray(0, room)));
    this.#size += chunk.byteLength;
  }

  /** The body came to its end. */
  end(): void {
    this.isTruncated = this.#size > KEPT_BYTES;
  }

  get body(): Uint8Array {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Uint8Array;
  }

  text(): string {
    return new TextDecoder().decode(this.body);
  }

  json(): unknown {
    if (this.isTruncated)
      throw new SyntaxError(`the first ${this.body.byteLength} bytes of a body are no JSON document`);
    return JSON.parse(this.text());
  }
}
