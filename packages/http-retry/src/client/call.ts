// A request that is not sent before somebody asks for what comes of it.

import type { OutputOf, StandardSchemaV1 } from "@holdfast/core";
import { HttpRetryError } from "../errors.ts";
import type { Download } from "./download.ts";
import type { CallOptions } from "./options.ts";
import type { CollectedResponse, HttpResponse } from "./response.ts";

/**
 * One request. It is sent once, when it is first awaited or read; reading it again gives the same response. `Data` is what
 * the call's schema makes, and `unknown` without one.
 *
 * Every way to read rejects with an `HttpRetryError`, or with the reason of the signal that ended it.
 */
export interface HttpCall<Data = unknown> extends Pick<Promise<HttpResponse<Data>>, "then" | "catch" | "finally"> {
  /** The body parsed, and checked by the call's schema where it has one. */
  json(): Promise<Data>;
  /** The body parsed, and checked by `schema`. */
  json<Schema extends StandardSchemaV1>(schema: Schema): Promise<OutputOf<Schema>>;
  /** The body as UTF-8. */
  text(): Promise<string>;
  bytes(): Promise<Uint8Array>;
  /** The response as soon as its headers are there, whatever the length of its body. */
  stream(): Promise<Download>;
}

/** Sends requests, in one of two ways. What is wrong with a request is a rejection. */
export interface Sender {
  collect(method: string, url: string | URL, options: CallOptions | undefined): Promise<CollectedResponse>;
  openStream(method: string, url: string | URL, options: CallOptions | undefined): Promise<Download>;
}

/** A class, since one is made for each call, and its methods need not be. */
export class LazyCall implements HttpCall {
  readonly #sender: Sender;
  readonly #method: string;
  readonly #url: string | URL;
  readonly #options: CallOptions | undefined;
  #response: Promise<CollectedResponse> | undefined;
  #stream: Promise<Download> | undefined;

  constructor(sender: Sender, method: string, url: string | URL, options: CallOptions | undefined) {
    this.#sender = sender;
    this.#method = method;
    this.#url = url;
    this.#options = options;
  }

  // biome-ignore lint/suspicious/noThenProperty: this is what makes a call awaitable
  then<A = HttpResponse, B = never>(
    onFulfilled?: ((response: HttpResponse) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collected().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<HttpResponse | B> {
    return this.#collected().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<HttpResponse> {
    return this.#collected().finally(onFinally);
  }

  json(schema?: StandardSchemaV1): Promise<unknown> {
    return this.#collected().then(schema ? (response) => response.data(schema) : dataOf);
  }

  text(): Promise<string> {
    return this.#collected().then(textOf);
  }

  bytes(): Promise<Uint8Array> {
    return this.#collected().then(bytesOf);
  }

  stream(): Promise<Download> {
    this.#stream ??= this.#response
      ? Promise.reject(readTwice())
      : this.#sender.openStream(this.#method, this.#url, this.#options);
    return this.#stream;
  }

  #collected(): Promise<CollectedResponse> {
    this.#response ??= this.#stream
      ? Promise.reject(readTwice())
      : this.#sender.collect(this.#method, this.#url, this.#options);
    return this.#response;
  }
}

// Made once, not for each call.
const dataOf = (response: CollectedResponse): unknown => response.data();
const textOf = (response: CollectedResponse): string => response.text();
const bytesOf = (response: CollectedResponse): Uint8Array => response.body;

function readTwice(): HttpRetryError {
  return new HttpRetryError("INVALID_OPTION", "a call is read whole or as a stream, not both; make another call");
}
