// A response's body as a web stream that is taken up again where it breaks.

import { ByteLengthQueuingStrategy, ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import { wholeNumber } from "../engine/resume.ts";
import type { CallController, Sink } from "../engine/types.ts";
import { type HopOptions, Hops, type Room } from "./hops.ts";
import { type HttpRequest, urlOf } from "./request.ts";
import type { ResponseHead } from "./response.ts";

export interface Download extends ResponseHead {
  /** Of the body, where the server says. */
  readonly length: number | undefined;
  /**
   * The body as it was sent: no content coding is asked for, and none is undone. When it breaks, the rest is asked for under a
   * strong validator, so that two versions are never mixed; without one the stream fails with code `BODY_BROKEN`. Its length
   * and its `Repr-Digest` are checked at the end. Cancelling it ends the call.
   */
  readonly stream: ReadableStream<Uint8Array>;
}

// So much is read ahead of a reader who is slower than the other side.
const READ_AHEAD_BYTES = 256 * 1024;

/** Sends the request; resolves when the headers of an accepted response are there. */
export function openDownload(room: Room, request: HttpRequest, options: HopOptions): Promise<Download> {
  return new Promise((resolve, reject) => {
    let call: CallController | undefined;
    let body: ReadableStreamDefaultController<Uint8Array> | undefined;
    let failure: Error | undefined;
    /** What came before the failure is still to be had: a stream that is failed forgets what nobody has read. */
    const failWhenRead = (): void => {
      if (failure && (call?.aborted !== false || body?.desiredSize === READ_AHEAD_BYTES)) body?.error(failure);
    };
    const stream = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          body = controller;
        },
        pull() {
          failWhenRead();
          call?.resume();
        },
        cancel(reason) {
          body = undefined;
          hops.abort(reason instanceof Error ? reason : new DOMException("The download was cancelled", "AbortError"));
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }),
    );
    const sink: Sink = {
      onResponseStart(started: CallController, status, headers) {
        call = started;
        const length = wholeNumber(headers["content-length"]);
        resolve({ status, headers, url: urlOf(hops.request), attempts: started.attempts, length, stream });
      },
      onResponseData(started, chunk) {
        body?.enqueue(chunk);
        if ((body?.desiredSize ?? 0) <= 0) started.pause();
      },
      onResponseEnd() {
        body?.close();
      },
      onResponseError(_controller, error) {
        failure = error;
        failWhenRead();
        reject(error);
      },
    };
    const headers = { "accept-encoding": "identity", ...request.headers };
    const hops = new Hops(room, { ...request, headers }, options, sink);
    hops.start();
  });
}
