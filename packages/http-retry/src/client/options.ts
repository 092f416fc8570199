// What a client, and each of its calls, may be told.

import type { Bytes, StandardSchemaV1 } from "@holdfast/core";
import type { Dispatcher } from "undici";
import type { BodyInput } from "../body/body-of.ts";
import { bytes, whole } from "../policy/checks.ts";
import type { CallPolicyOptions, PolicyOptions } from "../policy/options.ts";
import type { Query } from "./address.ts";

/** Names in any case. `undefined` leaves a field out, also one of the client's own. */
export type HeaderFields =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

export interface HttpClientOptions extends PolicyOptions, Limits {
  /**
   * What paths are taken under: with `https://api.example.com/v1`, both `users` and `/users` are `/v1/users`. A call may name
   * an absolute URL all the same.
   */
  readonly baseUrl?: string | URL | undefined;
  /** Sent with each request; with a `baseUrl`, only to its origin. */
  readonly headers?: HeaderFields | undefined;
  /** What sends the requests. Default: an undici Agent of the client's own, which `close` ends. */
  readonly dispatcher?: Dispatcher | undefined;
}

export interface CallOptions extends CallPolicyOptions, Limits {
  /** Besides the client's own; of the same name, instead of it. */
  readonly headers?: HeaderFields | undefined;
  /** Put after what the URL has of one. */
  readonly query?: Query | undefined;
  /** A body, sent as JSON. */
  readonly json?: unknown;
  /** A body of any other kind. One that can be read only once is kept up to `replayLimit`, so that it can be sent again. */
  readonly body?: BodyInput | undefined;
  /** Checks the JSON of the response. */
  readonly schema?: StandardSchemaV1 | undefined;
  /** Ends the call at once, whatever it is doing; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Limits {
  /** The longest body that is read whole. Default 16 MiB. */
  readonly maxBodyBytes?: Bytes | undefined;
  /** Redirects that are followed; 0 hands them on as they are. Default 10. */
  readonly maxRedirects?: number | undefined;
}

/** @throws HttpRetryError `INVALID_OPTION` */
export function maxBodyBytesOf({ maxBodyBytes }: Limits): number | undefined {
  return maxBodyBytes === undefined ? undefined : bytes("maxBodyBytes", maxBodyBytes);
}

/** @throws HttpRetryError `INVALID_OPTION` */
export function maxRedirectsOf({ maxRedirects }: Limits): number | undefined {
  return maxRedirects === undefined ? undefined : whole("maxRedirects", maxRedirects, 0, 1000);
}
