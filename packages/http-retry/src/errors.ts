// What this package throws, with everything that was tried before it gave up.

import type { SchemaIssue } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import type { AttemptRecord } from "./outcome.ts";

/**
 * - `INVALID_OPTION`: an option that can't be used as given
 * - `STATUS`: the response that counts has a status of 400 or above; it is in `response`
 * - `NETWORK`: no response; `cause` is the last attempt's error
 * - `TIMEOUT`: the last attempt had no headers, or no body, in time
 * - `DEADLINE`: the call's deadline is over, or would be before the next attempt could start
 * - `WAIT_TOO_LONG`: the server asked for a longer wait than the deadline or `maxDelay` leaves; `retryAt` is when it may be asked again
 * - `CIRCUIT_OPEN`: the origin fails so often that it is left alone for now
 * - `QUEUE_FULL`: as many requests as may wait for the origin are waiting already
 * - `BODY_NOT_REPLAYABLE`: a redirect asks for a request body again that can be read only once
 * - `BODY_TOO_LARGE`: the response's body is above `maxBodyBytes`
 * - `BODY_BROKEN`: the response's body ended early, and can't be taken up again without mixing two versions of it
 * - `DIGEST_MISMATCH`: the body is not what its `Repr-Digest` says
 * - `FILE_IN_USE`: another download writes the same file
 * - `FILE_FAILED`: a file can't be read or written, such as on a full disk; what is there is kept for the next time
 * - `INVALID_JSON`: the body is not JSON
 * - `INVALID_DATA`: the JSON is not what the schema asks for
 * - `TOO_MANY_REDIRECTS`: more redirects than `maxRedirects`
 * - `INVALID_REDIRECT`: a redirect to nowhere, or to what is not http or https
 */
export type HttpRetryErrorCode =
  | "INVALID_OPTION"
  | "STATUS"
  | "NETWORK"
  | "TIMEOUT"
  | "DEADLINE"
  | "WAIT_TOO_LONG"
  | "CIRCUIT_OPEN"
  | "QUEUE_FULL"
  | "BODY_NOT_REPLAYABLE"
  | "BODY_TOO_LARGE"
  | "BODY_BROKEN"
  | "DIGEST_MISMATCH"
  | "FILE_IN_USE"
  | "FILE_FAILED"
  | "INVALID_JSON"
  | "INVALID_DATA"
  | "TOO_MANY_REDIRECTS"
  | "INVALID_REDIRECT";

/** A response that an error carries: as much of its body as was kept. */
export interface KeptResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** At most 64 KiB. */
  readonly body: Uint8Array;
  /** Whether there was more of it. */
  readonly isTruncated: boolean;
  text(): string;
  /** @throws SyntaxError when the body is not JSON, or not all of it was kept */
  json(): unknown;
}

interface HttpRetryErrorDetails {
  readonly cause?: unknown;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  readonly response?: KeptResponse | undefined;
  readonly retryAt?: Date | undefined;
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/**
 * Messages name method, origin and path; never a query, a header or a body, where secrets are. For the same reason `response`
 * and `issues` are no own properties: a logger that writes out an error does not write them.
 */
export class HttpRetryError extends HoldfastError<HttpRetryErrorCode> {
  static {
    HttpRetryError.prototype.name = "HttpRetryError";
  }

  /** Every attempt that was made, in order, the last one too. */
  readonly attempts: readonly AttemptRecord[];
  /** When the server said that it may be asked again, by its own clock put into ours. */
  readonly retryAt: Date | undefined;
  readonly #response: KeptResponse | undefined;
  readonly #issues: readonly SchemaIssue[] | undefined;

  constructor(code: HttpRetryErrorCode, message: string, details: HttpRetryErrorDetails = {}) {
    super(code, message, "cause" in details ? { cause: details.cause } : undefined);
    this.attempts = details.attempts ?? [];
    this.retryAt = details.retryAt;
    this.#response = details.response;
    this.#issues = details.issues;
  }

  /** The last response that there was, of whichever attempt. */
  get response(): KeptResponse | undefined {
    return this.#response;
  }

  /** What the schema finds wrong. A validator's messages may quote values. */
  get issues(): readonly SchemaIssue[] | undefined {
    return this.#issues;
  }
}
