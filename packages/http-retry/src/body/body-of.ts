// A request body of any kind that a caller may give, made into what the engine sends.

import type { ReadableStream } from "node:stream/web";
import { HttpRetryError } from "../errors.ts";
import { type BodyStream, checkUnread } from "./byte-source.ts";
import { type AnyFormData, encodeMultipart, isFormData, type Multipart } from "./multipart.ts";
import { oneShotBody } from "./one-shot.ts";
import type { RequestBody, WireBody } from "./request-body.ts";

/** What a function that makes a body for each attempt may give: what has neither a type of its own nor parts. */
export type MadeBody = string | ArrayBuffer | ArrayBufferView | BodyStream;

/**
 * Text, bytes, `URLSearchParams`, `Blob`, `FormData` and functions are sent again as often as it takes. Bytes are not copied:
 * leave them as they are until the call is over. Streams can be read only once; see `replayLimit`.
 */
export type BodyInput = MadeBody | URLSearchParams | Blob | AnyFormData | (() => MadeBody | Promise<MadeBody>);

export interface BodyOptions {
  /** Bytes that are kept of a stream while it is sent. */
  readonly replayLimit: number;
}

/** @throws HttpRetryError `INVALID_OPTION`: none of the kinds, or a stream that has been read */
export function bodyOf(input: BodyInput, { replayLimit }: BodyOptions): RequestBody {
  if (typeof input === "function") return madeBody(input);
  if (input instanceof URLSearchParams) return formBody(String(input));
  if (input instanceof Blob) return blobBody(input);
  if (typeof input === "object" && input !== null && isFormData(input)) return multipartBody(encodeMultipart(input));
  return plainBody(input, replayLimit);
}

function plainBody(input: MadeBody, replayLimit: number): RequestBody {
  if (typeof input === "string") return textBody(input, "text/plain;charset=UTF-8");
  if (input instanceof Uint8Array) return bytesBody(input);
  if (ArrayBuffer.isView(input)) return bytesBody(new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
  if (input instanceof ArrayBuffer) return bytesBody(new Uint8Array(input));
  if (typeof input === "object" && input !== null && Symbol.asyncIterator in input) {
    checkUnread(input);
    return oneShotBody(input, replayLimit);
  }
  const found = input === null ? "null" : typeof input;
  throw new HttpRetryError(
    "INVALID_OPTION",
    `${found} can't be a request body; give text, bytes, URLSearchParams, Blob, FormData, a stream, or a function that makes one of text, bytes or a stream`,
  );
}

/** `open` and `close` of what is there as a whole. */
function fixedBody(wire: WireBody, length: number, contentType: string | undefined): RequestBody {
  return { isReplayable: true, length, contentType, open: () => wire, close() {} };
}

function textBody(text: string, contentType: string): RequestBody {
  return fixedBody(text, Buffer.byteLength(text), contentType);
}

function bytesBody(bytes: Uint8Array): RequestBody {
  return fixedBody(bytes, bytes.byteLength, undefined);
}

function formBody(form: string): RequestBody {
  return textBody(form, "application/x-www-form-urlencoded;charset=UTF-8");
}

function blobBody(blob: Blob): RequestBody {
  return {
    isReplayable: true,
    length: blob.size,
    contentType: blob.type || undefined,
    open: () => blob.stream() as ReadableStream<Uint8Array>,
    close() {},
  };
}

function multipartBody({ contentType, length, parts }: Multipart): RequestBody {
  const texts = parts.filter((part) => part instanceof Uint8Array);
  if (texts.length === parts.length) return fixedBody(Buffer.concat(texts), length, contentType);
  async function* open(): AsyncGenerator<Uint8Array, void> {
    for (const part of parts) {
      if (part instanceof Blob) yield* part.stream() as ReadableStream<Uint8Array>;
      else yield part;
    }
  }
  return { isReplayable: true, length, contentType, open, close() {} };
}

/** Made anew for each attempt. What it made stays open until the call is over, for two attempts may be under way at once. */
function madeBody(make: () => MadeBody | Promise<MadeBody>): RequestBody {
  const made = new Set<RequestBody>();
  let closed: { readonly reason: unknown } | undefined;
  return {
    isReplayable: true,
    length: undefined,
    contentType: undefined,
    async open() {
      const body = plainBody(await make(), 0);
      if (closed) body.close(closed.reason);
      else made.add(body);
      return body.open();
    },
    close(reason) {
      closed = { reason };
      for (const body of made) body.close(reason);
      made.clear();
    },
  };
}
