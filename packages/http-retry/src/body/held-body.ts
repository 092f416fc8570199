// A request body that several requests in a row send: a call and its redirects.

import type { RequestBody } from "./request-body.ts";

export interface HeldBody extends RequestBody {
  /** Allows the body to be closed: the request that sends it now, or that was the last to do so, is the last. */
  release(reason?: unknown): void;
}

/** `close` of one request only counts once the body is released. */
export function heldBody(body: RequestBody): HeldBody {
  let isReleased = false;
  let closed: { readonly reason: unknown } | undefined;
  const settle = (): void => {
    if (isReleased && closed) body.close(closed.reason);
  };
  return {
    get isReplayable() {
      return body.isReplayable;
    },
    length: body.length,
    contentType: body.contentType,
    open() {
      closed = undefined;
      return body.open();
    },
    close(reason) {
      closed = { reason };
      settle();
    },
    release(reason) {
      isReleased = true;
      if (reason !== undefined) closed ??= { reason };
      settle();
    },
  };
}
