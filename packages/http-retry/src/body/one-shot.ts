// A request body that can be read only once, kept while it is sent so that it can be sent again.

import { HttpRetryError } from "../errors.ts";
import { type BodyPieces, byteSource } from "./byte-source.ts";
import type { RequestBody } from "./request-body.ts";

/**
 * Keeps up to `replayLimit` bytes of the stream. What is kept is sent again from its first byte, and the rest is then read
 * on. When more has been read, all is let go, and the body belongs to the attempt that read it: it can't be sent again. A
 * stream that fails gives its own error to the attempt, and can't be sent again either. An attempt never ends a body before
 * the stream has.
 */
export function oneShotBody(stream: BodyPieces, replayLimit: number): RequestBody {
  const source = byteSource(stream);
  // A list rather than an array, so that letting go of its head lets go of all that no attempt has still to send.
  let head: Piece | undefined = { bytes: new Uint8Array(), next: undefined };
  let keptBytes = 0;
  let end: "whole" | { readonly error: unknown } | undefined;
  let reading: Promise<unknown> | undefined;
  /** The attempt that reads on beyond the limit. */
  let owner: object | undefined;

  /** Reads one piece. It is put after `last` or, beyond the limit, returned. */
  async function readOn(last: Piece, attempt: object): Promise<Uint8Array | undefined> {
    // Another attempt's read that is still under way: what it brings is then to be found after `last`.
    if (reading) {
      await reading.catch(() => {});
      return;
    }
    try {
      const read = source.read();
      reading = read;
      const bytes = await read;
      if (bytes === undefined) {
        end ??= "whole";
        return;
      }
      keptBytes += bytes.byteLength;
      if (head && keptBytes <= replayLimit) {
        // A copy, since the stream may use its buffer again.
        last.next = { bytes: new Uint8Array(bytes), next: undefined };
        return;
      }
      head = undefined;
      owner = attempt;
      return bytes;
    } catch (error) {
      end ??= { error };
      head = undefined;
      return;
    } finally {
      reading = undefined;
    }
  }

  async function* pieces(first: Piece): AsyncGenerator<Uint8Array, void> {
    const attempt = {};
    for (let last = first; ; ) {
      while (last.next) {
        last = last.next;
        yield last.bytes;
      }
      // What another attempt read beyond the limit is missing here, also when the stream has ended since.
      if (owner && owner !== attempt) throw spent();
      if (end === "whole") return;
      if (end) throw end.error;
      const bytes = await readOn(last, attempt);
      if (bytes) yield bytes;
    }
  }

  return {
    get isReplayable() {
      return head !== undefined;
    },
    length: undefined,
    contentType: undefined,
    open() {
      if (head) return pieces(head);
      throw end && end !== "whole" ? end.error : spent();
    },
    close(reason) {
      head = undefined;
      if (end) return;
      end = { error: reason ?? spent() };
      source.cancel(reason);
    },
  };
}

interface Piece {
  readonly bytes: Uint8Array;
  next: Piece | undefined;
}

function spent(): HttpRetryError {
  return new HttpRetryError(
    "BODY_NOT_REPLAYABLE",
    "the request body is a stream of which more was read than is kept; raise replayLimit, or give a function that makes the body for each attempt",
  );
}
