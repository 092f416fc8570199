// What a call resolves to: a response whose body is all there.

import type { OutputOf, StandardSchemaV1 } from "@holdfast/core";
import type { AttemptRecord } from "../outcome.ts";
import { parseJson, textOf, validate } from "./json.ts";
import { type RequestLine, urlOf } from "./request.ts";

/** Names in lower case. A field that came more than once is a list. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ResponseHead {
  /** Below 400. */
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Where it came from, redirects followed. */
  readonly url: string;
  /** Those that failed before this one was answered. */
  readonly attempts: readonly AttemptRecord[];
}

/** `Data` is what the call's schema makes, and `unknown` without one. */
export interface HttpResponse<Data = unknown> extends ResponseHead {
  readonly body: Uint8Array;
  /** The body as UTF-8. */
  text(): string;
  /**
   * The body parsed, and checked by the call's schema where it has one.
   * @throws HttpRetryError `INVALID_JSON`, `INVALID_DATA`
   */
  json(): Promise<Data>;
  /** The body parsed, and checked by `schema`. */
  json<Schema extends StandardSchemaV1>(schema: Schema): Promise<OutputOf<Schema>>;
}

/** A class, since one is made for each call, and its methods need not be. */
export class CollectedResponse implements HttpResponse {
  readonly #line: RequestLine;
  readonly #schema: StandardSchemaV1 | undefined;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly attempts: readonly AttemptRecord[];
  readonly body: Buffer;

  constructor(
    line: RequestLine,
    status: number,
    headers: ResponseHeaders,
    attempts: readonly AttemptRecord[],
    body: Buffer,
    schema: StandardSchemaV1 | undefined,
  ) {
    this.#line = line;
    this.#schema = schema;
    this.status = status;
    this.headers = headers;
    this.attempts = attempts;
    this.body = body;
  }

  get url(): string {
    return urlOf(this.#line);
  }

  text(): string {
    return textOf(this.body);
  }

  async json(schema?: StandardSchemaV1): Promise<unknown> {
    return this.data(schema);
  }

  /** As `json`, without a promise where none is needed. */
  data(schema: StandardSchemaV1 | undefined = this.#schema): unknown {
    const value = parseJson(this.#line, this);
    return schema ? validate(this.#line, this, schema, value) : value;
  }
}
