// One call: when it makes attempts, whether it makes another, and how it ends.

import { errors } from "undici";
import { HttpRetryError, type HttpRetryErrorCode, type KeptResponse } from "../errors.ts";
import type { Outcome } from "../policy/decide.ts";
import type { Failure } from "../policy/failures.ts";
import type { Agenda, Due } from "./agenda.ts";
import type { Attempt, RawHeaders } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { Delivery } from "./delivery.ts";
import { admitHedge, hedgeAfterMs } from "./hedge.ts";
import type { OriginState } from "./origins.ts";
import { PlaceInLine } from "./place-in-line.ts";
import { callError, failedCall, tellBudget, tellGiveUp, tellRetry } from "./report.ts";
import type { AttemptRecord, CallController, EngineCall, GaveUp, Sink } from "./types.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class Exchange implements CallController, Due {
  rawHeaders: RawHeaders = null;
  rawTrailers: RawHeaders = null;
  gaveUp: GaveUp | undefined = undefined;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  isOver = false;
  dueAt = 0;
  place = -1;

  readonly #call: EngineCall;
  readonly #sink: Sink;
  readonly #origin: OriginState;
  readonly #agenda: Agenda;
  readonly #isKeyed: boolean;
  readonly #attempts: Attempts;
  readonly #delivery: Delivery;
  #deadlineAt = NEVER;
  #hedgeAt = NEVER;
  /** When the wait for the next attempt is over: one that the last attempt's outcome asks for, or the server's pace. */
  #nextAt = NEVER;
  #isPaced = false;
  #line: PlaceInLine | undefined = undefined;

  constructor(call: EngineCall, sink: Sink, origin: OriginState, agenda: Agenda, isKeyed: boolean) {
    this.#call = call;
    this.#sink = sink;
    this.#origin = origin;
    this.#agenda = agenda;
    this.#isKeyed = isKeyed;
    this.#attempts = new Attempts(call, origin, isKeyed);
    this.#delivery = new Delivery(this, call, sink, origin, this.#attempts);
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#attempts.over;
  }

  get lastResponse(): KeptResponse | undefined {
    return this.#attempts.lastResponse;
  }

  /** What a dispatch returns: whether the layer below takes more at once. */
  get hasRoom(): boolean {
    return this.#attempts.hasRoom;
  }

  start(): void {
    const { policy, signal, deadlineAt } = this.#call;
    const nowMs = policy.clock.monotonic();
    this.#deadlineAt = deadlineAt ?? (policy.deadlineMs > 0 ? nowMs + policy.deadlineMs : NEVER);
    this.#origin.calls++;
    this.#origin.budget?.deposit();
    if (signal !== undefined && !signal.aborted) signal.addEventListener("abort", this);
    this.#delivery.onContext(null);
    if (signal?.aborted) this.handleEvent();
    if (this.isOver) return;
    if (nowMs >= this.#deadlineAt) this.#expire(nowMs);
    else this.#begin(nowMs);
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
    this.#delivery.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#delivery.resume(this.#now());
  }

  #now(): number {
    return this.#call.policy.clock.monotonic();
  }

  wake(nowMs: number): void {
    if (nowMs >= this.#deadlineAt) {
      this.#expire(nowMs);
      return;
    }
    this.#attempts.wake(nowMs);
    if (nowMs >= this.#nextAt) {
      this.#nextAt = NEVER;
      if (this.#isPaced) this.#enter(nowMs);
      else this.#begin(nowMs);
    }
    if (nowMs >= this.#hedgeAt) this.#startHedge(nowMs);
    const { live, hedge } = this.#attempts;
    if (live !== undefined && nowMs >= live.dueAt) this.#checkTime(live, nowMs);
    if (hedge !== undefined && nowMs >= hedge.dueAt) this.#checkTime(hedge, nowMs);
    this.#arm();
  }

  /** One wake, for what is due first. */
  #arm(): void {
    if (this.isOver) return;
    const dueAt = Math.min(this.#deadlineAt, this.#nextAt, this.#hedgeAt, this.#attempts.dueAt);
    if (dueAt < NEVER) this.#agenda.by(this, dueAt);
  }

  /** Another attempt, as soon as the server's pace and the origin's limits allow. */
  #begin(nowMs: number): void {
    const { pace } = this.#origin;
    const wallMs = pace === undefined ? 0 : this.#call.policy.clock.now();
    const waitMs = pace === undefined ? 0 : pace.waitMs(wallMs);
    if (waitMs === 0) this.#enter(nowMs);
    else if (nowMs + waitMs < this.#deadlineAt) {
      this.#isPaced = true;
      this.#nextAt = nowMs + waitMs;
      this.#arm();
    } else {
      this.gaveUp = { why: "wait-too-long", until: wallMs + waitMs };
      this.fail("WAIT_TOO_LONG", "was not sent: the server's RateLimit fields leave nothing before the deadline");
    }
  }

  #enter(nowMs: number): void {
    this.#isPaced = false;
    const { slots } = this.#origin;
    if (slots === undefined || slots.take()) {
      this.#launch(nowMs);
      return;
    }
    this.#line = new PlaceInLine(slots, () => this.#launch(this.#now()));
    if (this.#line.isTaken) this.#arm();
    else this.fail("QUEUE_FULL", "was not sent: as many requests wait for its origin as concurrency.queue allows");
  }

  #launch(nowMs: number): void {
    this.#line = undefined;
    const { breaker, slots } = this.#origin;
    if (breaker !== undefined && !breaker.allow(nowMs)) {
      slots?.give();
      this.gaveUp = { why: "circuit-open" };
      this.fail("CIRCUIT_OPEN", "was not sent: its origin fails so often that it is left alone for now");
      return;
    }
    if (this.#call.policy.hedge !== undefined && this.#attempts.made === 0) {
      this.#hedgeAt = nowMs + hedgeAfterMs(this.#call, this.#isKeyed, this.#origin);
    }
    this.#attempts.start(this.#delivery, nowMs, false, this.#delivery.rangeFields);
    this.#arm();
  }

  #startHedge(nowMs: number): void {
    this.#hedgeAt = NEVER;
    const admission = admitHedge(this.#origin, nowMs);
    if (admission === "admitted") this.#attempts.start(this.#delivery, nowMs, true, undefined);
    else if (admission === "no-budget") tellBudget(this.#call);
  }

  /** This attempt's response is the one that counts. */
  settleOn(attempt: Attempt): void {
    this.#attempts.live = attempt;
    this.#attempts.hedge = undefined;
    this.#hedgeAt = NEVER;
    this.#arm();
  }

  /** The attempt came to nothing, or its body broke. */
  lost(attempt: Attempt, error: unknown, failure: Failure, nowMs: number): void {
    attempt.release();
    if (!this.#delivery.canGoOn) this.#giveUp({ why: "not-retryable" }, failure.code);
    else if (this.tryAgain(attempt, { failure }, error, nowMs)) return;
    this.#attempts.record(attempt, nowMs, error, 0);
    this.end(failedCall(this.#call, this, error, this.#delivery.isBegun));
  }

  /** Whether the attempt is done with, since another one is under way or follows. */
  tryAgain(attempt: Attempt, outcome: Outcome, error: unknown, nowMs: number): boolean {
    const other = this.#attempts.otherThan(attempt);
    const verdict = other === undefined ? this.#attempts.judge(outcome, this.#deadlineAt - nowMs) : undefined;
    if (verdict?.retry === false) {
      this.#giveUp(verdict, "status" in outcome ? String(outcome.status) : outcome.failure.code);
      return this.isOver;
    }
    if ("status" in outcome) this.#attempts.putAside(attempt, outcome.headers, nowMs);
    this.#attempts.live = other;
    this.#attempts.hedge = undefined;
    this.#hedgeAt = NEVER;
    if (verdict !== undefined) this.#nextAt = nowMs + verdict.delayMs;
    this.#arm();
    this.#attempts.record(attempt, nowMs, error, verdict?.delayMs ?? 0);
    if (verdict !== undefined) tellRetry(this.#call, attempt, verdict, outcome, error);
    return true;
  }

  #checkTime(attempt: Attempt, nowMs: number): void {
    let what = "no response headers within attemptTimeout";
    if (attempt.status > 0) {
      attempt.dueAt = this.#delivery.bodyDueAt(nowMs);
      if (nowMs < attempt.dueAt) return;
      what = "no more of the body within bodyGapTimeout, or not all of it within bodyTimeout";
    }
    const error = new HttpRetryError("TIMEOUT", what);
    attempt.drop(error);
    this.#delivery.onError(attempt, error);
  }

  #expire(nowMs: number): void {
    const { live } = this.#attempts;
    if (live?.status === 0) live.judge("ill", nowMs);
    this.#attempts.close(new HttpRetryError("DEADLINE", "under way when the deadline was over"), nowMs);
    this.#giveUp({ why: "deadline" }, "DEADLINE");
    this.fail("DEADLINE", "did not end before its deadline", this.attempts.at(-1)?.error);
  }

  #giveUp({ why, until }: GaveUp, reason: string): void {
    this.gaveUp = until === undefined ? { why } : { why, until };
    tellGiveUp(this.#call, this.#attempts.made, this.gaveUp, reason);
  }

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
  finish(): boolean {
    if (this.isOver) return false;
    this.#close(undefined);
    return true;
  }

  /** Leaves nothing behind: attempts, a place in line, a wake, a listener. */
  #close(reason: unknown): void {
    this.isOver = true;
    this.#agenda.remove(this);
    this.#origin.calls--;
    this.#call.signal?.removeEventListener("abort", this);
    this.#line?.leave();
    this.#attempts.close(reason as Error, reason === undefined ? 0 : this.#now());
    this.#call.body?.close(reason);
  }
}
