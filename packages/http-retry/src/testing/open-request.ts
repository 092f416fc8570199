// A request that may still be coming in.

import type { RequestHead } from "./request-reader.ts";
import type { ReceivedRequest } from "./step.ts";

export interface OpenRequest {
  /** What everybody else sees of it, read-only. */
  readonly facts: Omit<ReceivedRequest, "number" | "isAbandoned"> & { number: number; isAbandoned: boolean };
  add(chunk: Buffer): void;
  complete(): void;
  /** No more will come. */
  lose(): void;
  /** Resolves once so many bytes of the body are here, or all, or no more will come. */
  received(count: number | undefined): Promise<void>;
}

export function openRequest(head: RequestHead, connection: number, receivedAt: number): OpenRequest {
  const chunks: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  let length = 0;
  let isComplete = false;
  let enough: { readonly count: number; resolve(): void } | undefined;
  return {
    facts: {
      ...head,
      number: 0,
      connection,
      receivedAt,
      isAbandoned: false,
      ended: ended.promise,
      get body() {
        if (chunks.length > 1) chunks.splice(0, chunks.length, Buffer.concat(chunks));
        return chunks[0] ?? Buffer.alloc(0);
      },
      get isComplete() {
        return isComplete;
      },
    },
    add(chunk) {
      chunks.push(chunk);
      length += chunk.length;
      if (enough && length >= enough.count) enough.resolve();
    },
    complete() {
      isComplete = true;
      ended.resolve();
    },
    lose: ended.resolve,
    async received(count = Number.POSITIVE_INFINITY) {
      if (length >= count) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      enough = { count, resolve };
      await Promise.race([ended.promise, promise]);
    },
  };
}
