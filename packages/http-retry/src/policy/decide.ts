// Another attempt, and when; or none, and why not. The one place where all that speaks for and against it meets.

import type { GiveUpReason } from "../outcome.ts";
import type { RetryBudget } from "./budget.ts";
import type { Failure } from "./failures.ts";
import type { HeaderFields } from "./fields.ts";
import { isIdempotent } from "./methods.ts";
import type { Policy } from "./policy.ts";
import { type ServerWait, serverWait } from "./server-wait.ts";

/** What an attempt came to. */
export type Outcome = { readonly status: number; readonly headers: HeaderFields } | { readonly failure: Failure };

export interface DecideFacts {
  readonly policy: Policy;
  readonly method: string;
  /** The retry in question, 1 for the first. */
  readonly retry: number;
  /** What was waited before the attempt that is over; 0 before the first. */
  readonly previousDelayMs: number;
  /** Whether the request has an `Idempotency-Key`. */
  readonly idempotencyKeyed: boolean;
  /** Whether the request's body can be sent from its first byte; true where there is none. */
  readonly bodyReplayable: boolean;
  readonly outcome: Outcome;
  /** By the wall clock. */
  readonly nowMs: number;
  /** Until the call's deadline; Infinity without one. */
  readonly leftMs: number;
  /** The origin's; undefined for no bound. */
  readonly budget: RetryBudget | undefined;
}

export type Verdict =
  | { readonly retry: true; readonly delayMs: number; readonly from: "backoff" | ServerWait["from"] }
  | {
      readonly retry: false;
      readonly why: GiveUpReason;
      /** When the server may be asked again, in milliseconds since the epoch, where it said so. */
      readonly until?: number;
    };

/**
 * Never waits less than the server asked for, nor longer than the policy's longest delay, nor until the deadline. Takes from
 * the budget only when nothing else speaks against the retry.
 */
export function decide(facts: DecideFacts): Verdict {
  const { policy, outcome, retry, nowMs, leftMs, budget } = facts;
  if ("status" in outcome && outcome.status < 400) return { retry: false, why: "done" };
  const wait = "status" in outcome ? serverWait(outcome.headers, nowMs) : undefined;
  const giveUp = (why: GiveUpReason): Verdict =>
    wait === undefined ? { retry: false, why } : { retry: false, why, until: nowMs + wait.delayMs };

  if (!isWorthwhile(outcome, policy)) return giveUp("not-retryable");
  if (!isRepeatable(facts)) return giveUp("not-idempotent");
  if (!facts.bodyReplayable) return giveUp("body-spent");
  if (retry > policy.retries) return giveUp("attempts");
  if (leftMs <= 0) return giveUp("deadline");
  if (wait !== undefined && isTooLong(wait.delayMs, facts)) return giveUp("wait-too-long");
  const delayMs = wait === undefined ? ownDelayMs(facts) : spreadMs(wait.delayMs, facts);
  if (delayMs >= leftMs) return giveUp("deadline");
  if (budget !== undefined && !budget.withdraw()) return giveUp("budget");
  return { retry: true, delayMs, from: wait?.from ?? "backoff" };
}

function isWorthwhile(outcome: Outcome, policy: Policy): boolean {
  return "status" in outcome ? policy.statuses.has(outcome.status) : outcome.failure.isTransient;
}

/** Whether the request does no harm when it is carried out twice, or certainly has not been once. */
function isRepeatable({ policy, method, idempotencyKeyed, outcome }: DecideFacts): boolean {
  return (
    isIdempotent(method) ||
    idempotencyKeyed ||
    policy.retryUnsafe ||
    ("failure" in outcome && outcome.failure.neverSent)
  );
}

function isTooLong(waitMs: number, { policy, leftMs }: DecideFacts): boolean {
  return waitMs > policy.backoff.maxDelayMs || waitMs >= leftMs;
}

function ownDelayMs({ policy, retry, previousDelayMs }: DecideFacts): number {
  return policy.backoff.delayMs(retry, previousDelayMs, policy.random);
}

/** A little later than the server asked for, since it asks others for the same; still before the bounds, which it is not beyond. */
function spreadMs(waitMs: number, { policy: { backoff, random }, leftMs }: DecideFacts): number {
  const roomMs = Math.min(backoff.maxDelayMs, leftMs) - waitMs;
  return waitMs + random() * Math.min(backoff.spreadMs(waitMs), roomMs);
}
