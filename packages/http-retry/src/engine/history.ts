// The attempts of a call that are over, and whether another one follows.

import type { AttemptRecord } from "../outcome.ts";
import { decide, type Outcome, type Verdict } from "../policy/decide.ts";
import type { Attempt } from "./attempt.ts";
import type { PartlyKept } from "./kept-response.ts";
import type { OriginState } from "./origins.ts";
import { tellAttempt } from "./report.ts";
import type { EngineCall } from "./types.ts";

/** Made with the first attempt that is not what the call comes to. */
export class History {
  attempts: readonly AttemptRecord[] = [];
  /** Of the last response that was put aside. */
  lastResponse: PartlyKept | undefined = undefined;
  readonly #call: EngineCall;
  readonly #origin: OriginState;
  readonly #isKeyed: boolean;
  #retries = 0;
  #delayMs = 0;

  constructor(call: EngineCall, origin: OriginState, isKeyed: boolean) {
    this.#call = call;
    this.#origin = origin;
    this.#isKeyed = isKeyed;
  }

  /** Whether the call is tried again after what its last attempt came to. A yes counts as a retry. */
  judge(outcome: Outcome, leftMs: number): Verdict {
    const { policy, options, body } = this.#call;
    // The breaker may have opened with this very failure. Then no token is spent.
    const isOpen = this.#origin.breaker?.state === "open";
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
    this.attempts = [...this.attempts, record];
    tellAttempt(this.#call, attempt, nowMs, error);
  }
}
