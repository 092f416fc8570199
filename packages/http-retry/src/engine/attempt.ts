// One attempt: what undici tells of it goes to the call, for as long as the call still wants it.

import { type Dispatcher, errors } from "undici";
import type { PartlyKept } from "./kept-response.ts";
import type { OriginState } from "./origins.ts";

type Controller = Dispatcher.DispatchController;
export type RawHeaders = NonNullable<Controller["rawHeaders"]> | null;
export type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

/** The call that an attempt is one of. It hears nothing of an attempt after its end, or after it was dropped or put aside. */
export interface AttemptOwner {
  /** What a layer below has to say of the request, such as the redirects that it followed. */
  onContext(context: unknown): void;
  onBodySent(chunk: Buffer): void;
  onRequestSent(): void;
  onFirstByte(): void;
  onInformation(attempt: Attempt, status: number, headers: Headers, message: string | undefined): void;
  onHeaders(attempt: Attempt, headers: Headers, message: string | undefined): void;
  onData(chunk: Buffer): void;
  onEnd(attempt: Attempt, trailers: Headers): void;
  onError(attempt: Attempt, error: unknown): void;
}

/** How much of a body that nobody reads is read so that the connection can be used again, which is cheaper than another one. */
const DRAINED_BYTES = 1024 * 1024;

export class Attempt implements Dispatcher.DispatchHandler {
  /** 1 for the first. */
  readonly number: number;
  readonly isHedge: boolean;
  readonly startedAt: number;
  /** When what it waits for comes too late: headers, body, or the rest of a body that nobody reads. */
  dueAt: number;
  /** Of the final response; 0 before its headers. */
  status = 0;
  /** undici's own, of the connection; undefined before the request is on one. */
  controller: Controller | undefined = undefined;
  readonly #origin: OriginState;
  /** Whether the origin's breaker is still to be told how it went. */
  #owesVerdict: boolean;
  #holdsSlot: boolean;
  /** Undefined as soon as the call wants nothing more of it. */
  #owner: AttemptOwner | undefined;
  /** Where the body of a response goes that nobody reads. */
  #kept: PartlyKept | undefined = undefined;
  #dropped: Error | undefined = undefined;

  /** With the breaker's leave and a slot taken, where the origin has them. */
  constructor(
    owner: AttemptOwner,
    origin: OriginState,
    number: number,
    isHedge: boolean,
    startedAt: number,
    dueAt: number,
  ) {
    this.#owner = owner;
    this.#origin = origin;
    this.number = number;
    this.isHedge = isHedge;
    this.startedAt = startedAt;
    this.dueAt = dueAt;
    this.#owesVerdict = origin.breaker !== undefined;
    this.#holdsSlot = origin.slots !== undefined;
  }

  /** Whether it may still come to something. */
  get isLive(): boolean {
    return this.#owner !== undefined;
  }

  /** Tells the origin's breaker, once, what the attempt says of the origin. */
  judge(verdict: "well" | "ill" | "nothing", nowMs: number): void {
    if (!this.#owesVerdict) return;
    this.#owesVerdict = false;
    const { breaker } = this.#origin;
    if (verdict === "well") breaker?.succeed(nowMs);
    else if (verdict === "ill") breaker?.fail(nowMs);
    else breaker?.release();
  }

  /** Gives its slot to the next, and its leave back if nothing came of it. */
  release(): void {
    this.judge("nothing", 0);
    if (!this.#holdsSlot) return;
    this.#holdsSlot = false;
    this.#origin.slots?.give();
  }

  /** Nobody wants its response: as much of the body is read as is cheap. */
  putAside(kept: PartlyKept): void {
    this.#owner = undefined;
    this.#kept = kept;
  }

  /** Ends it, now or, while it waits for a connection, when it gets one: undici has no public way to take it from its queue. */
  drop(reason: Error): void {
    if (this.#owner === undefined && this.#kept === undefined) return;
    this.#owner = undefined;
    this.#kept = undefined;
    this.#dropped = reason;
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Controller, context: unknown): void {
    // Thrown, undici ends the request alone. An abort would end the connection too, which another request could use.
    if (this.#dropped !== undefined) throw this.#dropped;
    this.controller = controller;
    if (context != null) this.#owner?.onContext(context);
  }

  onBodySent(chunk: Buffer): void {
    this.#owner?.onBodySent(chunk);
  }

  onRequestSent(): void {
    this.#owner?.onRequestSent();
  }

  onResponseStarted(): void {
    this.#owner?.onFirstByte();
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, message?: string): void {
    this.controller = controller;
    if (status < 200) {
      this.#owner?.onInformation(this, status, headers, message);
    } else {
      this.status = status;
      this.#owner?.onHeaders(this, headers, message);
    }
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#owner !== undefined) this.#owner.onData(chunk);
    else if (this.#kept !== undefined) {
      this.#kept.add(chunk);
      if (this.#kept.size > DRAINED_BYTES) this.drop(new errors.RequestAbortedError());
    }
  }

  onResponseEnd(_controller: Controller, trailers: Headers): void {
    const owner = this.#owner;
    this.#kept?.end();
    this.#kept = undefined;
    this.#owner = undefined;
    owner?.onEnd(this, trailers);
  }

  onResponseError(_controller: Controller | null, error: unknown): void {
    const owner = this.#owner;
    this.#kept = undefined;
    this.#owner = undefined;
    owner?.onError(this, error);
  }
}
