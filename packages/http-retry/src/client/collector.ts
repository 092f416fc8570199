// The sink of a call whose body is wanted whole.

import type { StandardSchemaV1 } from "@holdfast/core";
import type { CallController, Sink } from "../engine/types.ts";
import { HttpRetryError } from "../errors.ts";
import { type HopOptions, Hops, type Room } from "./hops.ts";
import { type HttpRequest, nameOf } from "./request.ts";
import { CollectedResponse, type ResponseHeaders } from "./response.ts";

export interface CollectOptions extends HopOptions {
  readonly maxBodyBytes: number;
  readonly schema: StandardSchemaV1 | undefined;
}

/** A class, since one is made for each call, and its methods need not be. */
export class Collector implements Sink {
  readonly #hops: Hops;
  readonly #options: CollectOptions;
  readonly #resolve: (response: CollectedResponse) => void;
  readonly #reject: (error: unknown) => void;
  #status = 0;
  #headers: ResponseHeaders = {};
  #first: Buffer | undefined;
  #others: Buffer[] | undefined;
  #size = 0;

  constructor(
    room: Room,
    request: HttpRequest,
    options: CollectOptions,
    resolve: (response: CollectedResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#hops = new Hops(room, request, options, this);
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#hops.start();
  }

  restart(): void {
    this.#first = undefined;
    this.#others = undefined;
    this.#size = 0;
  }

  onResponseStart(_controller: CallController, status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: CallController, chunk: Buffer): void {
    this.#size += chunk.byteLength;
    // Most bodies are one piece, which then needs no joining.
    if (this.#size > this.#options.maxBodyBytes) this.#refuse();
    else if (this.#first === undefined) this.#first = chunk;
    else if (this.#others === undefined) this.#others = [this.#first, chunk];
    else this.#others.push(chunk);
  }

  onResponseEnd(controller: CallController): void {
    const { request } = this.#hops;
    const body = this.#others ? Buffer.concat(this.#others, this.#size) : (this.#first ?? Buffer.alloc(0));
    this.#resolve(
      new CollectedResponse(request, this.#status, this.#headers, controller.attempts, body, this.#options.schema),
    );
  }

  onResponseError(_controller: CallController, error: unknown): void {
    this.#reject(error);
  }

  #refuse(): void {
    const { maxBodyBytes } = this.#options;
    const message = `${nameOf(this.#hops.request)} answered with more than ${maxBodyBytes} bytes; raise maxBodyBytes, or read it with stream()`;
    const error = new HttpRetryError("BODY_TOO_LARGE", message);
    this.restart();
    this.#reject(error);
    this.#hops.abort(error);
  }
}
