// One call over all its redirects. The sink behind it sees accepted responses only: redirects are followed, and a status
// of 400 or above becomes an error with the response in it.

import type { Dispatcher } from "undici";
import { type HeldBody, heldBody } from "../body/held-body.ts";
import type { Engine } from "../engine/engine.ts";
import { KEPT_BYTES, PartlyKept } from "../engine/kept-response.ts";
import type { CallController, Sink } from "../engine/types.ts";
import { HttpRetryError } from "../errors.ts";
import type { AttemptRecord } from "../outcome.ts";
import type { Policy } from "../policy/policy.ts";
import { isRedirect, redirected } from "./redirects.ts";
import { type HttpRequest, nameOf } from "./request.ts";
import { statusError } from "./status-error.ts";

/** What a client's calls share. */
export interface Room {
  readonly engine: Engine;
  readonly dispatch: Dispatcher["dispatch"];
}

export interface HopOptions {
  readonly policy: Policy;
  readonly signal: AbortSignal | undefined;
  readonly maxRedirects: number;
}

type ResponseHeaders = Record<string, string | string[] | undefined>;

/** A class, since one is made for each call, and its methods need not be. */
export class Hops implements Sink {
  readonly #room: Room;
  readonly #options: HopOptions;
  readonly #sink: Sink;
  /** Open until the last hop is over. */
  readonly #body: HeldBody | undefined;
  #deadlineAt: number | undefined;
  #startedAt = 0;
  #request: HttpRequest;
  #controller: CallController | undefined;
  #redirects = 0;
  #earlier: readonly AttemptRecord[] = [];
  /** A response that is not passed on: a redirect, or an error. */
  #kept: PartlyKept | undefined;
  /** Of a response that was cut off once enough of it was kept. */
  #abandoned: CallController | undefined;
  restart?: () => void;

  constructor(room: Room, request: HttpRequest, options: HopOptions, sink: Sink) {
    this.#room = room;
    this.#body = request.body && heldBody(request.body);
    this.#request = this.#body ? { ...request, body: this.#body } : request;
    this.#options = options;
    this.#sink = sink;
    if (sink.restart) this.restart = this.#restart;
  }

  /** The request that is under way now. */
  get request(): HttpRequest {
    return this.#request;
  }

  start(): void {
    const { origin, path, method, headers, body } = this.#request;
    const { policy, signal } = this.#options;
    this.#startedAt = policy.clock.monotonic();
    if (policy.deadlineMs > 0) this.#deadlineAt ??= this.#startedAt + policy.deadlineMs;
    this.#room.engine.start(
      {
        dispatch: this.#room.dispatch,
        options: { origin, path, method, headers },
        body,
        policy,
        signal,
        deadlineAt: this.#deadlineAt,
      },
      this,
    );
  }

  /** Ends the call, whatever it is doing. The sink is told as of any other error. */
  abort(reason: Error): void {
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: CallController, context: unknown): void {
    this.#controller = controller;
    if (this.#redirects === 0) this.#sink.onRequestStart?.(controller, context);
  }

  onResponseStart(controller: CallController, status: number, headers: ResponseHeaders, statusMessage?: string): void {
    if (status < 300 || !this.#keeps(status, headers)) {
      this.#sink.onResponseStart?.(controller, status, headers, statusMessage);
    } else this.#kept = new PartlyKept(status, headers);
  }

  onResponseData(controller: CallController, chunk: Buffer): void {
    if (this.#kept) this.#keep(controller, this.#kept, chunk);
    else this.#sink.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: CallController, trailers: ResponseHeaders): void {
    this.#kept?.end();
    if (this.#kept) this.#turn(controller, this.#kept, this.#attemptsWith(controller, this.#kept));
    else {
      this.#body?.release();
      this.#sink.onResponseEnd?.(controller, trailers);
    }
  }

  onResponseError(controller: CallController, error: Error): void {
    if (controller === this.#abandoned) return;
    if (this.#kept && !this.#isEnded(error)) this.#turn(controller, this.#kept, controller.attempts);
    else this.#fail(controller, this.#ofAllHops(error));
  }

  #fail(controller: CallController, error: Error): void {
    this.#body?.release(error);
    this.#sink.onResponseError?.(controller, error);
  }

  #restart(): void {
    if (this.#kept) this.#kept = undefined;
    else this.#sink.restart?.();
  }

  #keeps(status: number, headers: ResponseHeaders): boolean {
    if (status >= 400) return true;
    return isRedirect(status) && headers["location"] !== undefined && this.#options.maxRedirects > 0;
  }

  #keep(controller: CallController, kept: PartlyKept, chunk: Buffer): void {
    kept.add(chunk);
    if (kept.size <= KEPT_BYTES || controller === this.#abandoned) return;
    this.#abandoned = controller;
    this.#turn(controller, kept, this.#attemptsWith(controller, kept));
    controller.abort(new DOMException("The rest of the body is not needed", "AbortError"));
  }

  /** Whether time or the caller ended it. Of a body that only broke, what came of it will do. */
  #isEnded(error: Error): boolean {
    return this.#options.signal?.aborted === true || !(error instanceof HttpRetryError) || error.code === "DEADLINE";
  }

  /** There is no more to come of a response that is not passed on. */
  #turn(controller: CallController, kept: PartlyKept, ofHop: readonly AttemptRecord[]): void {
    const attempts = numbered([...this.#earlier, ...ofHop]);
    try {
      if (kept.status >= 400) throw statusError(this.#request, kept, attempts, controller.gaveUp);
      this.#request = this.#next(kept, attempts);
      this.#earlier = attempts;
      this.#kept = undefined;
      this.#redirects++;
      this.start();
    } catch (error) {
      this.#fail(controller, error as Error);
    }
  }

  /** The engine knows of the last hop's attempts alone. */
  #ofAllHops(error: Error): Error {
    if (this.#earlier.length === 0 || !(error instanceof HttpRetryError)) return error;
    const { code, message, cause, response, retryAt } = error;
    const attempts = numbered([...this.#earlier, ...error.attempts]);
    return new HttpRetryError(code, message, { cause, response, retryAt, attempts });
  }

  #next(kept: PartlyKept, attempts: readonly AttemptRecord[]): HttpRequest {
    const { maxRedirects } = this.#options;
    if (this.#redirects < maxRedirects) return redirected(this.#request, kept);
    const message = `${nameOf(this.#request)} answered ${kept.status} after ${maxRedirects} redirects; raise maxRedirects where that many are meant`;
    throw new HttpRetryError("TOO_MANY_REDIRECTS", message, { attempts, response: kept });
  }

  /** The controller's, and the one that is answering. It took what the others and their waits did not. */
  #attemptsWith({ attempts }: CallController, { status }: PartlyKept): readonly AttemptRecord[] {
    const elapsedMs = this.#options.policy.clock.monotonic() - this.#startedAt;
    const durationMs = attempts.reduce((left, each) => left - each.durationMs - each.waitMs, elapsedMs);
    return [...attempts, { number: attempts.length + 1, status, durationMs: Math.max(0, durationMs), waitMs: 0 }];
  }
}

function numbered(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  return attempts.map((attempt, index) => ({ ...attempt, number: index + 1 }));
}
