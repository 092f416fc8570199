// What a script is written in: one step for each request, and what is known of the request when it is chosen.

import type { Duration } from "@holdfast/core";

/** One step for all requests, or one for each in the order in which they come, of which the last is repeated. */
export type Script = Step | readonly Step[];

/**
 * What is done with one request.
 * - an `Answer`: a response, well-formed unless it says otherwise
 * - a `RawAnswer`: bytes, sent as they are
 * - `"hang"`: takes the request and never answers
 * - `"reset"`: takes the request and resets the connection; short for `{ cut: { afterBytes: 0 } }`
 * - a function: decides once the request's headers are here
 */
export type Step = Answer | RawAnswer | "hang" | "reset" | ((request: ReceivedRequest) => Step | Promise<Step>);

interface Manner {
  /** Between the request, or as much of it as is waited for, and the first byte of the response. Default 0. */
  readonly delay?: Duration | undefined;
  /** Answers as soon as so many bytes of the request's body are here. Default: when all of it is. */
  readonly afterRequestBytes?: number | undefined;
  /** Sends the response in small pieces. Default: all of it at once. */
  readonly drip?: Drip | undefined;
  /** Ends the connection in the middle of the response. */
  readonly cut?: Cut | undefined;
  /**
   * What becomes of the connection after a whole response. Default `keep`, unless a `connection: close` of either side or
   * `framing: "close"` asks for its end. `close` ends it unannounced, and drops what still comes: a client that reuses it sends its request into nothing.
   */
  readonly afterwards?: "keep" | "close" | "reset" | undefined;
}

/** A response. Sent with the headers given here and `content-length` or `transfer-encoding`, and no others. */
export interface Answer extends Manner {
  /** Default 200. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Default: none. Not sent to HEAD, nor with 204 and 304. */
  readonly body?: string | Uint8Array | undefined;
  /**
   * How the end of the body is told. Default `length`. `close`: by the end of the connection. `bad-chunk`: in chunks, of
   * which the last has a size that is no number. `no-last-chunk`: in chunks whose end never comes.
   */
  readonly framing?: "length" | "chunked" | "close" | "bad-chunk" | "no-last-chunk" | undefined;
  /** The `content-length` to claim instead of the true one. Of more than there is, the rest never comes. */
  readonly claimedLength?: number | undefined;
  /**
   * Answers `Range: bytes=…` with 206 and that part of `body`, or with 416, as an honest server does: a Range whose
   * `If-Range` is not the strong `etag` among `headers` gets all of it, an `If-Match` that does not hold gets 412. Default false.
   */
  readonly ranges?: boolean | undefined;
}

/** Bytes instead of a response. */
export interface RawAnswer extends Manner {
  readonly raw: string | Uint8Array;
}

export interface Drip {
  /** How many at a time: 1 or more. */
  readonly bytes: number;
  /** Between two pieces. */
  readonly every: Duration;
  /** Default `body`: the head goes out at once. */
  readonly of?: "response" | "body" | undefined;
}

export interface Cut {
  readonly afterBytes: number;
  /** What is counted: all bytes of the response, head included, or only those of its body as they are framed. Default `response`. */
  readonly of?: "response" | "body" | undefined;
  /** Default `reset`. `end` closes the connection in good order, as a server does that is shut down. */
  readonly by?: "reset" | "end" | undefined;
}

/** A request as it came. What is said of it changes until its connection is done with it. */
export interface ReceivedRequest {
  /** 1 for the first. */
  readonly number: number;
  readonly method: string;
  /** As in the request line: a path with its query, as a rule. */
  readonly url: string;
  /** Names in lower case; fields that came several times are joined by `", "`. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As much of the body as has come. */
  readonly body: Buffer;
  /** Whether all of it has. */
  readonly isComplete: boolean;
  /** Resolves when the body is complete, or never will be since the connection is gone. */
  readonly ended: Promise<void>;
  /** Which connection it came on, 1 for the first. */
  readonly connection: number;
  /** Milliseconds on the clock's monotonic scale, when its headers were here. */
  readonly receivedAt: number;
  /** Whether the client went away before it had the whole response. */
  readonly isAbandoned: boolean;
}
