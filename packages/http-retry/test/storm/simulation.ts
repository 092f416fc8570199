// A storm: clients that send steadily, and decide as this package does, to a server that loses most of its capacity for a while.

import { createRandom } from "@holdfast/testing/torture";
import { createBreaker } from "../../src/policy/breaker.ts";
import { createRetryBudget } from "../../src/policy/budget.ts";
import { decide, type Outcome } from "../../src/policy/decide.ts";
import type { PolicyOptions } from "../../src/policy/options.ts";
import { compilePolicy, type Policy } from "../../src/policy/policy.ts";
import { type Agenda, createAgenda } from "./agenda.ts";

const CLIENTS = 100;
/** Between two requests of a client. */
const INTERVAL_MS = 100;
const ATTEMPT_TIMEOUT_MS = 1000;
/** Requests a second that the server answers in good days: twice what it is sent. */
export const CAPACITY = 2000;
/** Requests that wait at the server, which serves them though nobody may wait for them any longer. One more gets a 503 at once. */
const BACKLOG = 1000;

export const DROP = { fromMs: 10_000, toMs: 40_000, share: 0.1 } as const;
export const END_MS = 100_000;

export interface Storm {
  /** Attempts that came to the server, by the second. */
  readonly attempts: readonly number[];
  /** Requests that were answered well, by the second. */
  readonly answers: readonly number[];
  /** Attempts for each request, while capacity was low. */
  readonly load: number;
  /** From the end of the drop to the last attempt that failed. */
  readonly recoveryMs: number;
  /** Of the requests made while capacity was low, the share that came to nothing. */
  readonly lost: number;
}

/** By `options`, each client with a budget and a breaker of its own. */
export function simulateStorm(options: PolicyOptions, seed: number): Storm {
  const { float: random } = createRandom(seed);
  const policy = compilePolicy({ ...options, attemptTimeout: ATTEMPT_TIMEOUT_MS, random });
  const agenda = createAgenda();
  const server = createServer();
  const attempts = bySecond();
  const answers = bySecond();
  const low = { requests: 0, attempts: 0, lost: 0 };
  let lastFailureAt: number = DROP.toMs;

  const send = (nowMs: number): Answer => {
    attempts.add(nowMs);
    if (isLow(nowMs)) low.attempts++;
    return server.receive(nowMs);
  };
  for (let client = 0; client < CLIENTS; client++) {
    const request = createClient(policy, agenda, send);
    const sendOn = (): void => {
      agenda.at(agenda.now() + INTERVAL_MS, sendOn);
      const isOfLow = isLow(agenda.now());
      if (isOfLow) low.requests++;
      request({
        answered: () => answers.add(agenda.now()),
        failed: () => {
          lastFailureAt = Math.max(lastFailureAt, agenda.now());
        },
        lost: () => {
          if (isOfLow) low.lost++;
        },
      });
    };
    agenda.at(random() * INTERVAL_MS, sendOn);
  }
  agenda.runUntil(END_MS);
  return {
    attempts: attempts.counts,
    answers: answers.counts,
    load: low.attempts / low.requests,
    recoveryMs: lastFailureAt - DROP.toMs,
    lost: low.lost / low.requests,
  };
}

interface Observer {
  answered(): void;
  /** An attempt did, or was not let pass. */
  failed(): void;
  /** No attempt follows. */
  lost(): void;
}

/** A client as the engine is one: what it waits for, when it tries again, what it counts. */
function createClient(policy: Policy, agenda: Agenda, send: (nowMs: number) => Answer): (observer: Observer) => void {
  const budget = policy.budget && createRetryBudget(policy.budget);
  const breaker = policy.breaker && createBreaker(policy.breaker);

  return (observer) => {
    const deadlineAt = agenda.now() + policy.deadlineMs;
    budget?.deposit();
    attempt(1, 0);

    function attempt(number: number, previousDelayMs: number): void {
      if (breaker?.allow(agenda.now()) === false) {
        observer.failed();
        observer.lost();
        return;
      }
      const { outcome, tookMs } = send(agenda.now());
      agenda.at(agenda.now() + tookMs, () => settle(outcome, number, previousDelayMs));
    }

    function settle(outcome: Outcome, retry: number, previousDelayMs: number): void {
      const nowMs = agenda.now();
      if ("status" in outcome && outcome.status === 200) {
        breaker?.succeed(nowMs);
        observer.answered();
        return;
      }
      breaker?.fail(nowMs);
      observer.failed();
      const verdict = decide({
        policy,
        method: "GET",
        retry,
        previousDelayMs,
        idempotencyKeyed: false,
        bodyReplayable: true,
        outcome,
        nowMs,
        leftMs: deadlineAt - nowMs,
        budget,
      });
      if (verdict.retry) agenda.at(nowMs + verdict.delayMs, () => attempt(retry + 1, verdict.delayMs));
      else observer.lost();
    }
  };
}

/** What an attempt comes to, and when. */
interface Answer {
  readonly outcome: Outcome;
  readonly tookMs: number;
}

const TIMEOUT: Outcome = { failure: { code: "TIMEOUT", neverSent: false, isTransient: true } };

/** One request after the other, in the order in which they came. */
function createServer(): { receive(nowMs: number): Answer } {
  /** When each request that was taken is done, in order; those before `oldest` are. */
  const doneAt: number[] = [];
  let oldest = 0;
  return {
    receive(nowMs) {
      while (oldest < doneAt.length && doneAt[oldest]! <= nowMs) oldest++;
      if (doneAt.length - oldest > BACKLOG) return { outcome: { status: 503, headers: {} }, tookMs: 0 };
      const startMs = Math.max(nowMs, doneAt.at(-1) ?? 0);
      const endMs = startMs + 1000 / (isLow(startMs) ? CAPACITY * DROP.share : CAPACITY);
      doneAt.push(endMs);
      const tookMs = endMs - nowMs;
      if (tookMs > ATTEMPT_TIMEOUT_MS) return { outcome: TIMEOUT, tookMs: ATTEMPT_TIMEOUT_MS };
      return { outcome: { status: 200, headers: {} }, tookMs };
    },
  };
}

function isLow(ms: number): boolean {
  return ms >= DROP.fromMs && ms < DROP.toMs;
}

function bySecond(): { readonly counts: readonly number[]; add(ms: number): void } {
  const counts = new Array<number>(END_MS / 1000).fill(0);
  return {
    counts,
    add(ms) {
      counts[Math.floor(ms / 1000)]! += 1;
    },
  };
}
