// A call's attempts: what holds them back, their start, and those under way or put aside.

import { errors } from "undici";
import type { RequestBody, WireBody } from "../body/request-body.ts";
import { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import { admitHedge, hedgeAfterMs } from "./hedge.ts";
import type { PartlyKept } from "./kept-response.ts";
import type { OriginState } from "./origins.ts";
import { PlaceInLine } from "./place-in-line.ts";
import { tellBudget } from "./report.ts";
import { withHeaders } from "./request-headers.ts";
import type { RangeFields } from "./resume.ts";
import type { EngineCall } from "./types.ts";

const NEVER = Number.POSITIVE_INFINITY;

// What is left of a body that nobody reads has this long to come; after that, a new connection is cheaper.
const DRAIN_MS = 1000;

export class Attempts {
  /** The one that counts; with a hedge, one of two until one of them has headers. */
  live: Attempt | undefined = undefined;
  hedge: Attempt | undefined = undefined;
  made = 0;
  /** What the last dispatch returned: whether the layer below takes more at once. */
  hasRoom = true;
  readonly #exchange: Exchange;
  readonly #call: EngineCall;
  readonly #origin: OriginState;
  readonly #isKeyed: boolean;
  /** The last one whose response is read for nobody. */
  #aside: Attempt | undefined = undefined;
  /** When a wait is over: one that the last outcome asks for, or that of the server's pace. */
  #nextAt = NEVER;
  #isPaced = false;
  #hedgeAt = NEVER;
  #line: PlaceInLine | undefined = undefined;

  constructor(exchange: Exchange, call: EngineCall, origin: OriginState, isKeyed: boolean) {
    this.#exchange = exchange;
    this.#call = call;
    this.#origin = origin;
    this.#isKeyed = isKeyed;
  }

  /** When the first of them, or of the waits for one, is due. */
  get dueAt(): number {
    let dueAt = Math.min(this.#nextAt, this.#hedgeAt);
    if (this.live !== undefined) dueAt = Math.min(dueAt, this.live.dueAt);
    if (this.hedge !== undefined) dueAt = Math.min(dueAt, this.hedge.dueAt);
    if (this.#aside !== undefined) dueAt = Math.min(dueAt, this.#aside.dueAt);
    return dueAt;
  }

  /** Starts what has been waited for. What is under way and too late is the call's to end. */
  wake(nowMs: number): void {
    if (this.#aside !== undefined && nowMs >= this.#aside.dueAt) this.#dropAside();
    if (nowMs >= this.#nextAt) {
      this.#nextAt = NEVER;
      if (this.#isPaced) this.#enter(nowMs);
      else this.begin(nowMs);
    }
    if (nowMs >= this.#hedgeAt) this.#startHedge(nowMs);
  }

  beginAt(dueAt: number): void {
    this.#nextAt = dueAt;
  }

  /** Starts one as soon as the server's pace and the origin's limits allow. */
  begin(nowMs: number): void {
    const { pace } = this.#origin;
    const wallMs = pace === undefined ? 0 : this.#call.policy.clock.now();
    const waitMs = pace === undefined ? 0 : pace.waitMs(wallMs);
    if (waitMs === 0) this.#enter(nowMs);
    else if (nowMs + waitMs < this.#exchange.deadlineAt) {
      this.#isPaced = true;
      this.#nextAt = nowMs + waitMs;
    } else {
      this.#exchange.gaveUp = { why: "wait-too-long", until: wallMs + waitMs };
      const what = "was not sent: the server's RateLimit fields leave nothing before the deadline";
      this.#exchange.fail("WAIT_TOO_LONG", what);
    }
  }

  #enter(nowMs: number): void {
    this.#isPaced = false;
    const { slots } = this.#origin;
    if (slots === undefined || slots.take()) {
      this.#launch(nowMs);
      return;
    }
    const { context } = this.#exchange;
    this.#line = new PlaceInLine(slots, () => context.runInAsyncScope(this.#takeTurn, this));
    if (this.#line.isTaken) return;
    const what = "was not sent: as many requests wait for its origin as concurrency.queue allows";
    this.#exchange.fail("QUEUE_FULL", what);
  }

  #takeTurn(): void {
    const nowMs = this.#call.policy.clock.monotonic();
    this.#line = undefined;
    // The turn may come before the wake that is due, where the process was busy.
    if (nowMs < this.#exchange.deadlineAt) this.#launch(nowMs);
    else {
      this.#origin.slots?.give();
      this.#exchange.expire(nowMs);
    }
    this.#exchange.arm();
  }

  #launch(nowMs: number): void {
    const { breaker, slots } = this.#origin;
    if (breaker !== undefined && !breaker.allow(nowMs)) {
      slots?.give();
      this.#exchange.gaveUp = { why: "circuit-open" };
      const what = "was not sent: its origin fails so often that it is left alone for now";
      this.#exchange.fail("CIRCUIT_OPEN", what);
      return;
    }
    if (this.#call.policy.hedge !== undefined && this.made === 0) {
      this.#hedgeAt = nowMs + hedgeAfterMs(this.#call, this.#isKeyed, this.#origin);
    }
    this.live = this.#make(nowMs, false);
    this.#send(this.live, this.#exchange.delivery.rangeFields);
  }

  #startHedge(nowMs: number): void {
    this.#hedgeAt = NEVER;
    const admission = admitHedge(this.#origin, nowMs);
    if (admission === "no-budget") tellBudget(this.#call);
    if (admission !== "admitted") return;
    this.hedge = this.#make(nowMs, true);
    this.#send(this.hedge, undefined);
  }

  #make(nowMs: number, isHedge: boolean): Attempt {
    const { attemptTimeoutMs } = this.#call.policy;
    const dueAt = attemptTimeoutMs > 0 ? nowMs + attemptTimeoutMs : NEVER;
    return new Attempt(this.#exchange.delivery, this.#origin, ++this.made, isHedge, nowMs, dueAt);
  }

  /** `range` asks for the rest of a body alone. */
  #send(attempt: Attempt, range: RangeFields | undefined): void {
    const { body } = this.#call;
    if (body === undefined) this.#dispatch(attempt, undefined, range);
    else this.#open(attempt, body, range);
  }

  #open(attempt: Attempt, body: RequestBody, range: RangeFields | undefined): void {
    const fail = (error: unknown): void => attempt.onResponseError(null, error);
    try {
      const wire = body.open();
      if (wire instanceof Promise) wire.then((made) => this.#dispatch(attempt, made, range)).catch(fail);
      else this.#dispatch(attempt, wire, range);
    } catch (error) {
      fail(error);
    }
  }

  #dispatch(attempt: Attempt, body: WireBody | undefined, range: RangeFields | undefined): void {
    if (!attempt.isLive) return;
    let { options } = this.#call;
    if (range !== undefined) options = { ...options, headers: withHeaders(options.headers, range) };
    // undici takes async iterables too; its types don't say so.
    if (body !== undefined) options = { ...options, body: body as string };
    try {
      this.hasRoom = this.#call.dispatch(options, attempt);
    } catch (error) {
      attempt.onResponseError(null, error);
    }
  }

  otherThan(attempt: Attempt): Attempt | undefined {
    return attempt === this.live ? this.hedge : this.live;
  }

  /** From now on this one counts, and no other beside it. */
  settleOn(attempt: Attempt | undefined): void {
    this.live = attempt;
    this.hedge = undefined;
    this.#hedgeAt = NEVER;
  }

  /** Its response is not the one that counts. What is cheap to read of it is read, so that the connection can be used again. */
  putAside(attempt: Attempt, kept: PartlyKept, nowMs: number): void {
    this.#dropAside();
    this.#aside = attempt;
    attempt.dueAt = nowMs + DRAIN_MS;
    attempt.putAside(kept);
    attempt.release();
  }

  #dropAside(): void {
    this.#aside?.drop(new errors.RequestAbortedError());
    this.#aside = undefined;
  }

  /** Calls one off. */
  discard(attempt: Attempt, reason: Error): void {
    if (attempt.isLive) {
      attempt.drop(reason);
      this.#exchange.record(attempt, this.#call.policy.clock.monotonic(), reason, 0);
    }
    attempt.release();
  }

  /** Calls off what is under way, and waits for nothing more. */
  close(reason: Error): void {
    const { live, hedge } = this;
    this.settleOn(undefined);
    this.#nextAt = NEVER;
    this.#line?.leave();
    if (live !== undefined) this.discard(live, reason);
    if (hedge !== undefined) this.discard(hedge, reason);
    this.#dropAside();
  }
}
