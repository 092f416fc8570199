// One way to read the streams that a request body may be: Node's, the web's, and any other iterable.

import { Readable } from "node:stream";
import { ReadableStream, type ReadableStreamDefaultReader } from "node:stream/web";
import { HttpRetryError } from "../errors.ts";

/** What can be read only once. Pieces are bytes, or text, which is sent as UTF-8. */
export type BodyStream = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

/** What undici takes beyond that. */
export type BodyPieces = BodyStream | Iterable<Uint8Array | string>;

export interface ByteSource {
  /** The next piece, or undefined at the end. Not called again before it has settled, nor after it has rejected. */
  read(): Promise<Uint8Array | undefined>;
  /** Ends the stream, whatever it is doing. Never throws. */
  cancel(reason: unknown): void;
}

/** Nothing is read, and nothing locked, before the first `read`. */
export function byteSource(stream: BodyPieces): ByteSource {
  if (stream instanceof ReadableStream) return webSource(stream);
  if (isNodeStream(stream)) return nodeSource(stream);
  return iterableSource(stream, () => {});
}

/** @throws HttpRetryError `INVALID_OPTION`: somebody else reads the stream, or has read it */
export function checkUnread(stream: BodyStream): void {
  const isSpent =
    stream instanceof ReadableStream
      ? stream.locked || isDisturbed(stream)
      : isNodeStream(stream) && (stream.destroyed || stream.readableEnded);
  if (!isSpent) return;
  throw new HttpRetryError(
    "INVALID_OPTION",
    "the request body is a stream that is being read or has been read; give a new one, or a function that makes one for each attempt",
  );
}

/** By its methods: the class of a library's own copy is another. */
function isNodeStream(stream: BodyPieces): stream is Readable {
  return "pipe" in stream && "on" in stream && "destroy" in stream;
}

/** Takes web streams too, which its type does not say (https://nodejs.org/api/stream.html#streamreadableisdisturbedstream). */
const isDisturbed = Readable.isDisturbed as (stream: object) => boolean;

function webSource(stream: ReadableStream<Uint8Array>): ByteSource {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    async read() {
      reader ??= stream.getReader();
      const { done, value } = await reader.read();
      return done ? undefined : toBytes(value);
    },
    cancel(reason) {
      (reader ?? stream).cancel(reason).catch(ignore);
    },
  };
}

function nodeSource(stream: Readable): ByteSource {
  return iterableSource(stream, (reason) => {
    // Where nothing reads it yet, an error that nobody hears would end the process.
    stream.on("error", ignore);
    stream.destroy(reason instanceof Error ? reason : undefined);
  });
}

function iterableSource(
  stream: AsyncIterable<unknown> | Iterable<unknown>,
  destroy: (reason: unknown) => void,
): ByteSource {
  let iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  return {
    async read() {
      iterator ??= Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
      const { done, value } = await iterator.next();
      return done ? undefined : toBytes(value);
    },
    cancel(reason) {
      destroy(reason);
      // A generator in the middle of a step hears of it after the step.
      const ending = async (): Promise<unknown> => iterator?.return?.(undefined);
      ending().catch(ignore);
    },
  };
}

function toBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  const found = piece === null ? "null" : typeof piece;
  throw new HttpRetryError("INVALID_OPTION", `the request body's stream gave ${found}; give Uint8Array or string`);
}

function ignore(): void {}
