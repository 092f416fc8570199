// The attempts of a call: under way, put aside, and over.

import { errors } from "undici";
import type { RequestBody, WireBody } from "../body/request-body.ts";
import { decide, type Outcome, type Verdict } from "../policy/decide.ts";
import type { HeaderFields } from "../policy/fields.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { PartlyKept } from "./kept-response.ts";
import type { OriginState } from "./origins.ts";
import { tellAttempt } from "./report.ts";
import { withHeaders } from "./request-headers.ts";
import type { RangeFields } from "./resume.ts";
import type { AttemptRecord, EngineCall } from "./types.ts";

const NEVER = Number.POSITIVE_INFINITY;
const NONE: readonly AttemptRecord[] = [];

// What is left of a body that nobody reads has this long to come; after that, a new connection is cheaper.
const DRAIN_MS = 1000;

export class Attempts {
  over: readonly AttemptRecord[] = NONE;
  /** Of the last response that was put aside. */
  lastResponse: PartlyKept | undefined = undefined;
  /** The one that counts; with a hedge, one of two until one of them has headers. */
  live: Attempt | undefined = undefined;
  hedge: Attempt | undefined = undefined;
  made = 0;
  /** What the last dispatch returned: whether the layer below takes more at once. */
  hasRoom = true;
  readonly #call: EngineCall;
  readonly #origin: OriginState;
  readonly #isKeyed: boolean;
  /** The last one whose response is read for nobody. */
  #aside: Attempt | undefined = undefined;
  #retries = 0;
  #delayMs = 0;

  constructor(call: EngineCall, origin: OriginState, isKeyed: boolean) {
    this.#call = call;
    this.#origin = origin;
    this.#isKeyed = isKeyed;
  }

  /** When the first of them is too late. */
  get dueAt(): number {
    let dueAt = this.live === undefined ? NEVER : this.live.dueAt;
    if (this.hedge !== undefined) dueAt = Math.min(dueAt, this.hedge.dueAt);
    if (this.#aside !== undefined) dueAt = Math.min(dueAt, this.#aside.dueAt);
    return dueAt;
  }

  otherThan(attempt: Attempt): Attempt | undefined {
    return attempt === this.live ? this.hedge : this.live;
  }

  /** Sends the request once more; `range` asks for the rest of a body alone. */
  start(owner: AttemptOwner, nowMs: number, isHedge: boolean, range: RangeFields | undefined): void {
    const { policy, body } = this.#call;
    const dueAt = policy.attemptTimeoutMs > 0 ? nowMs + policy.attemptTimeoutMs : NEVER;
    const attempt = new Attempt(owner, this.#origin, ++this.made, isHedge, nowMs, dueAt);
    if (isHedge) this.hedge = attempt;
    else this.live = attempt;
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

  /** Whether the call is tried again after what its last attempt came to. A yes counts as a retry. */
  judge(outcome: Outcome, leftMs: number): Verdict {
    // The breaker may have opened with this very failure. Then no token is spent.
    const isOpen = this.#origin.breaker?.state === "open";
    const { policy, options, body } = this.#call;
    const verdict = decide({
      policy,
      method: options.method,
      retry: this.#retries + 1,
      previousDelayMs: this.#delayMs,
      idempotencyKeyed: this.#isKeyed,
      bodyReplayable: body?.isReplayable ?? true,
      outcome,
      nowMs: policy.clock.now(),
      leftMs,
      budget: isOpen ? undefined : this.#origin.budget,
    });
    if (!verdict.retry) return verdict;
    if (isOpen) return { retry: false, why: "circuit-open" };
    this.#retries++;
    this.#delayMs = verdict.delayMs;
    return verdict;
  }

  /** Its response is not the one that counts. What is cheap to read of it is read, so that the connection can be used again. */
  putAside(attempt: Attempt, headers: HeaderFields, nowMs: number): void {
    this.#dropAside();
    this.#aside = attempt;
    this.lastResponse = new PartlyKept(attempt.status, headers);
    attempt.dueAt = nowMs + DRAIN_MS;
    attempt.putAside(this.lastResponse);
    attempt.release();
  }

  /** Ends the reading of a response for nobody that takes too long. */
  wake(nowMs: number): void {
    if (this.#aside !== undefined && nowMs >= this.#aside.dueAt) this.#dropAside();
  }

  #dropAside(): void {
    this.#aside?.drop(new errors.RequestAbortedError());
    this.#aside = undefined;
  }

  /** The attempt is over, without being what the call comes to. */
  record(attempt: Attempt, nowMs: number, error: unknown, waitMs: number): void {
    const { number, status, startedAt } = attempt;
    const record: AttemptRecord = {
      number,
      ...(status > 0 && { status }),
      ...(error !== undefined && { error }),
      durationMs: nowMs - startedAt,
      waitMs,
    };
    // A new list each time: errors and hooks keep the one that they were given.
    this.over = [...this.over, record];
    tellAttempt(this.#call, attempt, nowMs, error);
  }

  /** Calls one off that is under way. */
  discard(attempt: Attempt, reason: Error, nowMs: number): void {
    if (attempt.isLive) {
      attempt.drop(reason);
      this.record(attempt, nowMs, reason, 0);
    }
    attempt.release();
  }

  /** Nothing of them is wanted any more. */
  close(reason: Error, nowMs: number): void {
    const { live, hedge } = this;
    this.live = undefined;
    this.hedge = undefined;
    if (live !== undefined) this.discard(live, reason, nowMs);
    if (hedge !== undefined) this.discard(hedge, reason, nowMs);
    this.#dropAside();
  }
}
