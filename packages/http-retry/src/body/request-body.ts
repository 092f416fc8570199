// A request's body as the engine needs it: whether it can be sent again, and how.

/** What undici's dispatch takes as a body. */
export type WireBody = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface RequestBody {
  /** Whether `open` may be called once more. Changes to false when a stream outgrew what may be kept of it. */
  readonly isReplayable: boolean;
  /** Exact length in bytes, where it is known before it is sent. */
  readonly length: number | undefined;
  /** Sent as `content-type` where the caller gave none. */
  readonly contentType: string | undefined;
  /** The whole body from its first byte, for one attempt. */
  open(): WireBody | Promise<WireBody>;
  /** Lets go of what is kept, and ends a source that is still open. */
  close(reason?: unknown): void;
}
