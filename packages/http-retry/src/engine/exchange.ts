// One call: what it makes of the outcome of each attempt, its times, and how it ends.

import { AsyncResource } from "node:async_hooks";
import { errors } from "undici";
import { HttpRetryError, type HttpRetryErrorCode, type KeptResponse } from "../errors.ts";
import { wants } from "../events.ts";
import type { AttemptRecord, GaveUp } from "../outcome.ts";
import type { Outcome } from "../policy/decide.ts";
import type { Failure } from "../policy/failures.ts";
import type { Agenda, Due } from "./agenda.ts";
import type { Attempt, RawHeaders } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { Delivery } from "./delivery.ts";
import { History } from "./history.ts";
import { PartlyKept } from "./kept-response.ts";
import type { OriginState } from "./origins.ts";
import { callError, failedCall, tellAttempt, tellGiveUp, tellRetry } from "./report.ts";
import type { CallController, EngineCall, Sink } from "./types.ts";

const NEVER = Number.POSITIVE_INFINITY;
const NO_ATTEMPTS: readonly AttemptRecord[] = [];

export class Exchange implements CallController, Due {
  rawHeaders: RawHeaders = null;
  rawTrailers: RawHeaders = null;
  gaveUp: GaveUp | undefined = undefined;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  dueAt = 0;
  place = -1;
  isOver = false;
  deadlineAt: number = NEVER;
  /** The caller's, for hooks and attempts: they come of timers and sockets that others share. */
  readonly context: AsyncResource = new AsyncResource("HOLDFAST_HTTP_CALL");
  readonly delivery: Delivery;

  readonly #call: EngineCall;
  readonly #sink: Sink;
  readonly #origin: OriginState;
  readonly #agenda: Agenda;
  readonly #isKeyed: boolean;
  readonly #attempts: Attempts;
  #history: History | undefined = undefined;

  constructor(call: EngineCall, sink: Sink, origin: OriginState, agenda: Agenda, isKeyed: boolean) {
    this.#call = call;
    this.#sink = sink;
    this.#origin = origin;
    this.#agenda = agenda;
    this.#isKeyed = isKeyed;
    this.#attempts = new Attempts(this, call, origin, isKeyed);
    this.delivery = new Delivery(this, call, sink, origin, this.#attempts);
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#history?.attempts ?? NO_ATTEMPTS;
  }

  get lastResponse(): KeptResponse | undefined {
    return this.#history?.lastResponse;
  }

  /** What a dispatch returns: whether the layer below takes more at once. */
  get hasRoom(): boolean {
    return this.#attempts.hasRoom;
  }

  start(): void {
    const { policy, signal, deadlineAt } = this.#call;
    const nowMs = policy.clock.monotonic();
    this.deadlineAt = deadlineAt ?? (policy.deadlineMs > 0 ? nowMs + policy.deadlineMs : NEVER);
    this.#origin.calls++;
    this.#origin.budget?.deposit();
    if (signal !== undefined && !signal.aborted) signal.addEventListener("abort", this);
    this.delivery.onContext(null);
    if (signal?.aborted) this.handleEvent();
    if (this.isOver) return;
    if (nowMs >= this.deadlineAt) this.expire(nowMs);
    else this.#attempts.begin(nowMs);
    this.arm();
  }

  abort(reason: Error): void {
    if (this.isOver) return;
    this.aborted = true;
    this.reason = reason ?? new errors.RequestAbortedError();
    this.end(this.reason);
  }

  /** The signal's abort. An object that listens needs no closure. */
  handleEvent(): void {
    this.abort(this.#call.signal?.reason);
  }

  pause(): void {
    this.paused = true;
    this.delivery.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.delivery.resume(this.#call.policy.clock.monotonic());
  }

  /** One wake, for what is due first. */
  arm(): void {
    if (this.isOver) return;
    const dueAt = Math.min(this.deadlineAt, this.#attempts.dueAt);
    if (dueAt < NEVER) this.#agenda.by(this, dueAt);
  }

  wake(nowMs: number): void {
    this.context.runInAsyncScope(this.#wake, this, nowMs);
    this.arm();
  }

  #wake(nowMs: number): void {
    if (nowMs >= this.deadlineAt) {
      this.expire(nowMs);
      return;
    }
    this.#attempts.wake(nowMs);
    const { live, hedge } = this.#attempts;
    if (live !== undefined && nowMs >= live.dueAt) this.#checkTime(live, nowMs);
    if (hedge !== undefined && nowMs >= hedge.dueAt) this.#checkTime(hedge, nowMs);
  }

  #checkTime(attempt: Attempt, nowMs: number): void {
    if (!attempt.isLive) return;
    let what = "no response headers within attemptTimeout";
    if (attempt.status > 0) {
      attempt.dueAt = this.delivery.bodyDueAt(nowMs);
      if (nowMs < attempt.dueAt) return;
      what = "no more of the body within bodyGapTimeout, or not all of it within bodyTimeout";
    }
    const error = new HttpRetryError("TIMEOUT", what);
    attempt.drop(error);
    this.delivery.onError(attempt, error);
  }

  /** The deadline is over. */
  expire(nowMs: number): void {
    const { live } = this.#attempts;
    if (live?.status === 0) live.judge("ill", nowMs);
    this.#attempts.close(new HttpRetryError("DEADLINE", "under way when the deadline was over"));
    this.#giveUp({ why: "deadline" }, "DEADLINE");
    this.fail("DEADLINE", "did not end before its deadline", this.attempts.at(-1)?.error);
  }

  /** The attempt came to nothing, or its body broke. */
  lost(attempt: Attempt, error: unknown, failure: Failure, nowMs: number): void {
    this.context.runInAsyncScope(this.#lose, this, attempt, error, failure, nowMs);
  }

  #lose(attempt: Attempt, error: unknown, failure: Failure, nowMs: number): void {
    attempt.release();
    if (this.isOver) return;
    if (!this.delivery.canGoOn) this.#giveUp({ why: "not-retryable" }, failure.code);
    else if (this.#tryAgain(attempt, { failure }, error, nowMs)) return;
    this.endWith(attempt, error, nowMs);
  }

  /** Whether the attempt is done with, since another one is under way or follows, or the call is over. */
  tryAgain(attempt: Attempt, outcome: Outcome, nowMs: number): boolean {
    return this.context.runInAsyncScope(this.#tryAgain, this, attempt, outcome, undefined, nowMs);
  }

  #tryAgain(attempt: Attempt, outcome: Outcome, error: unknown, nowMs: number): boolean {
    if (this.isOver) return true;
    this.#history ??= new History(this.#call, this.#origin, this.#isKeyed);
    const other = this.#attempts.otherThan(attempt);
    const verdict = other === undefined ? this.#history.judge(outcome, this.deadlineAt - nowMs) : undefined;
    if (verdict?.retry === false) {
      this.#giveUp(verdict, "status" in outcome ? String(outcome.status) : outcome.failure.code);
      return this.isOver;
    }
    if ("status" in outcome) {
      const kept = new PartlyKept(outcome.status, outcome.headers);
      this.#history.lastResponse = kept;
      this.#attempts.putAside(attempt, kept, nowMs);
    }
    this.#attempts.settleOn(other);
    if (verdict !== undefined) this.#attempts.beginAt(nowMs + verdict.delayMs);
    this.arm();
    this.record(attempt, nowMs, error, verdict?.delayMs ?? 0);
    if (verdict !== undefined) tellRetry(this.#call, attempt, verdict, outcome, error);
    return true;
  }

  #giveUp({ why, until }: GaveUp, reason: string): void {
    this.gaveUp = until === undefined ? { why } : { why, until };
    tellGiveUp(this.#call, this.#attempts.made, this.gaveUp, reason);
  }

  /** The attempt is over, without being what the call comes to. */
  record(attempt: Attempt, nowMs: number, error: unknown, waitMs: number): void {
    this.#history ??= new History(this.#call, this.#origin, this.#isKeyed);
    this.#history.record(attempt, nowMs, error, waitMs);
  }

  /** Ends the call with the error of its last attempt. */
  endWith(attempt: Attempt, error: unknown, nowMs: number): void {
    if (this.isOver) return;
    this.record(attempt, nowMs, error, 0);
    this.end(failedCall(this.#call, this, error, this.delivery.isBegun));
  }

  /** Ends the call with an error of its own. */
  fail(code: HttpRetryErrorCode, what: string, cause?: unknown): void {
    this.end(callError(this.#call, this, code, what, cause));
  }

  /** Ends the call with what its sink is told. */
  end(error: unknown): void {
    if (this.isOver) return;
    this.#close(error);
    try {
      this.#sink.onResponseError?.(this, error as Error);
    } catch (thrown) {
      // It has nowhere to go, as in undici itself.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  /** Ends the call well; false where it has ended before. */
  finish(attempt: Attempt): boolean {
    const { clock, on } = this.#call.policy;
    if (!this.isOver && wants(on, "attempt")) {
      this.context.runInAsyncScope(tellAttempt, undefined, this.#call, attempt, clock.monotonic(), undefined);
    }
    if (this.isOver) return false;
    this.#close(undefined);
    return true;
  }

  /** Leaves nothing behind: attempts, waits, a wake, a listener. */
  #close(reason: unknown): void {
    this.isOver = true;
    this.#agenda.remove(this);
    this.#origin.calls--;
    this.#call.signal?.removeEventListener("abort", this);
    this.#attempts.close(reason as Error);
    this.#call.body?.close(reason);
  }
}
