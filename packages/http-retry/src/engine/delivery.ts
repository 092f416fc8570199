// What comes back of a call's attempts, on its way to the sink: one response, from one attempt or from several.

import { errors } from "undici";
import { HttpRetryError } from "../errors.ts";
import type { GaveUp } from "../outcome.ts";
import { failureOf } from "../policy/failures.ts";
import type { Attempt, AttemptOwner, Headers } from "./attempt.ts";
import type { Attempts } from "./attempts.ts";
import type { Exchange } from "./exchange.ts";
import type { OriginState } from "./origins.ts";
import { BodyProgress, type RangeFields } from "./resume.ts";
import type { EngineCall, Sink } from "./types.ts";

const NEVER = Number.POSITIVE_INFINITY;
const DONE: GaveUp = { why: "done" };
const NOT_RETRYABLE: GaveUp = { why: "not-retryable" };

export class Delivery implements AttemptOwner {
  /** Whether the sink has been given a response. */
  isBegun = false;
  readonly #exchange: Exchange;
  readonly #call: EngineCall;
  readonly #sink: Sink;
  readonly #origin: OriginState;
  readonly #attempts: Attempts;
  #progress: BodyProgress | undefined = undefined;
  #since = 0;
  #lastByteAt = 0;

  constructor(exchange: Exchange, call: EngineCall, sink: Sink, origin: OriginState, attempts: Attempts) {
    this.#exchange = exchange;
    this.#call = call;
    this.#sink = sink;
    this.#origin = origin;
    this.#attempts = attempts;
  }

  /** What asks for the rest of the body alone; undefined where it has to come from its first byte. */
  get rangeFields(): RangeFields | undefined {
    return this.#progress?.rangeFields;
  }

  /** Whether another attempt's response could be passed on. */
  get canGoOn(): boolean {
    return !this.isBegun || this.#sink.restart !== undefined || this.rangeFields !== undefined;
  }

  /** When the body that is being received is too late. While the sink is paused, no byte is. */
  bodyDueAt(nowMs: number): number {
    const { bodyGapTimeoutMs, bodyTimeoutMs } = this.#call.policy;
    if (this.#exchange.paused) this.#lastByteAt = nowMs;
    const gapEndsAt = bodyGapTimeoutMs > 0 ? this.#lastByteAt + bodyGapTimeoutMs : NEVER;
    return bodyTimeoutMs > 0 ? Math.min(gapEndsAt, this.#since + bodyTimeoutMs) : gapEndsAt;
  }

  pause(): void {
    const { live } = this.#attempts;
    if (live !== undefined && live.status > 0) live.controller?.pause();
  }

  resume(nowMs: number): void {
    this.#lastByteAt = nowMs;
    const { live } = this.#attempts;
    if (live !== undefined && live.status > 0) live.controller?.resume();
  }

  onContext(context: unknown): void {
    if (!this.isBegun) this.#tell(() => this.#sink.onRequestStart?.(this.#exchange, context));
  }

  onBodySent(chunk: Buffer): void {
    if (this.#sink.onBodySent !== undefined) this.#tell(() => this.#sink.onBodySent?.(chunk));
  }

  onRequestSent(): void {
    if (this.#sink.onRequestSent !== undefined) this.#tell(() => this.#sink.onRequestSent?.());
  }

  onFirstByte(): void {
    if (this.#sink.onResponseStarted !== undefined) this.#tell(() => this.#sink.onResponseStarted?.());
  }

  onInformation(attempt: Attempt, status: number, headers: Headers, message: string | undefined): void {
    if (this.#call.wantsInformation !== true || this.isBegun) return;
    this.#exchange.rawHeaders = attempt.controller?.rawHeaders ?? null;
    this.#tell(() => this.#sink.onResponseStart?.(this.#exchange, status, headers, message));
  }

  onHeaders(attempt: Attempt, headers: Headers, message: string | undefined): void {
    const { clock, statuses } = this.#call.policy;
    const { status } = attempt;
    const { latencies, pace } = this.#origin;
    const nowMs = clock.monotonic();
    const isBad = status >= 400 && statuses.has(status);
    attempt.judge(isBad && status >= 500 ? "ill" : "well", nowMs);
    latencies?.add(nowMs - attempt.startedAt);
    pace?.note(headers, clock.now());
    if (!isBad) this.#exchange.gaveUp = status < 400 ? DONE : NOT_RETRYABLE;
    else if (this.#exchange.tryAgain(attempt, { status, headers }, nowMs)) return;
    if (this.#exchange.isOver) return;
    try {
      if (this.isBegun) this.#goOn(attempt, headers, message, nowMs);
      else this.#begin(attempt, headers, message, nowMs);
    } catch (error) {
      this.#exchange.end(error);
    }
  }

  /** This is the response that the call comes to. */
  #begin(attempt: Attempt, headers: Headers, message: string | undefined, nowMs: number): void {
    const loser = this.#attempts.otherThan(attempt);
    this.#receive(attempt, nowMs);
    if (loser !== undefined) {
      // At least so long: without it, those that are hedged would count as fast.
      this.#origin.latencies?.add(nowMs - loser.startedAt);
      this.#attempts.discard(loser, new errors.RequestAbortedError("another attempt was faster"));
    }
    if (this.#exchange.isOver) return;
    const rawHeaders = attempt.controller?.rawHeaders ?? null;
    this.isBegun = true;
    this.#progress = BodyProgress.of(this.#call.options.method, attempt.status, headers, rawHeaders);
    this.#exchange.rawHeaders = rawHeaders;
    this.#sink.onResponseStart?.(this.#exchange, attempt.status, headers, message);
  }

  /** The sink was given a response before, whose body broke. */
  #goOn(attempt: Attempt, headers: Headers, message: string | undefined, nowMs: number): void {
    const { status } = attempt;
    const isRange = this.rangeFields !== undefined;
    // One of those that are tried again comes here only where no other attempt follows.
    const isLast = this.#call.policy.statuses.has(status);
    if (this.#progress?.continues(status, headers)) this.#receive(attempt, nowMs);
    else if (this.#sink.restart !== undefined && (status === 200 || !isRange || isLast)) {
      this.#sink.restart();
      this.#begin(attempt, headers, message, nowMs);
    } else {
      const error = new HttpRetryError("BODY_BROKEN", `a ${status} where the rest of a broken body was asked for`);
      attempt.drop(error);
      // From the first byte, if at all.
      this.#progress = undefined;
      if (isLast) this.#exchange.endWith(attempt, error, nowMs);
      else this.#exchange.lost(attempt, error, { code: error.code, neverSent: false, isTransient: true }, nowMs);
    }
  }

  #receive(attempt: Attempt, nowMs: number): void {
    this.#since = nowMs;
    this.#lastByteAt = nowMs;
    attempt.dueAt = this.bodyDueAt(nowMs);
    if (this.#exchange.paused) attempt.controller?.pause();
    this.#attempts.settleOn(attempt);
    this.#exchange.arm();
  }

  onData(chunk: Buffer): void {
    this.#lastByteAt = this.#call.policy.clock.monotonic();
    const part = this.#progress === undefined ? chunk : this.#progress.take(chunk);
    if (part === undefined) return;
    try {
      this.#sink.onResponseData?.(this.#exchange, part);
    } catch (error) {
      this.#exchange.end(error);
    }
  }

  onEnd(attempt: Attempt, trailers: Headers): void {
    if (this.#progress?.isShort) {
      this.onError(attempt, new errors.ResponseContentLengthMismatchError());
      return;
    }
    if (this.#progress?.isCorrupt) {
      const error = new HttpRetryError("DIGEST_MISMATCH", "the body is not what its Repr-Digest says");
      // In a turn of its own: a whole response may come in one, and undici's fetch hears of no error in the turn of the headers.
      setImmediate(() => this.#exchange.endWith(attempt, error, this.#call.policy.clock.monotonic()));
      return;
    }
    if (!this.#exchange.finish(attempt)) return;
    this.#exchange.rawTrailers = attempt.controller?.rawTrailers ?? null;
    try {
      this.#sink.onResponseEnd?.(this.#exchange, trailers);
    } catch (error) {
      this.#sink.onResponseError?.(this.#exchange, error as Error);
    }
  }

  onError(attempt: Attempt, error: unknown): void {
    const nowMs = this.#call.policy.clock.monotonic();
    const failure = failureOf(error, {
      anyByteSent: attempt.controller !== undefined,
      responseStarted: attempt.status > 0,
    });
    attempt.judge(failure.isTransient ? "ill" : "nothing", nowMs);
    this.#exchange.lost(attempt, error, failure, nowMs);
  }

  #tell(told: () => void): void {
    try {
      told();
    } catch (error) {
      this.#exchange.end(error);
    }
  }
}
