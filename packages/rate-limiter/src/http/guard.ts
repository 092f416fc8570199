// The decision that every HTTP face shares: which key, which cost, what to answer.

import { type Problem, problem, type RequestView } from "@holdfast/core/http";
import type { Decision } from "../decision.ts";
import type { RateLimiter, RulesInput, SyncRateLimiter } from "../limiter.ts";
import { rateLimitFields, retryAfterSeconds } from "./headers.ts";
import { byAddress } from "./keys.ts";

type Maybe<T> = T | Promise<T>;

/** What all faces take. Functions get core's view of the request first, then the framework's own request. */
export interface GuardOptions<Request> {
  readonly limiter: RateLimiter | SyncRateLimiter;
  /** What to count by. Default `byAddress()`: the socket's address, no proxy trusted. */
  readonly key?: ((view: RequestView, request: Request) => Maybe<string>) | undefined;
  /** Requests that pass uncounted. */
  readonly skip?: ((view: RequestView, request: Request) => Maybe<boolean>) | undefined;
  /** Tokens that a request takes. Default 1. */
  readonly cost?: ((view: RequestView, request: Request) => Maybe<number>) | undefined;
  /** Other rules than the limiter's own, such as those of the caller's plan; undefined for the limiter's own. */
  readonly rules?: ((view: RequestView, request: Request) => Maybe<RulesInput | undefined>) | undefined;
}

export interface GuardAnswer {
  readonly decision: Decision;
  /** Fields for the response, whatever it will be. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** What to answer instead, for a refused request. */
  readonly problem?: Problem;
}

/** Undefined for a request that passes uncounted. Answers at once where the limiter and every function do. */
export type Guard<Request> = (view: RequestView, request: Request) => Maybe<GuardAnswer | undefined>;

// https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html#section-6
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types";

export function createGuard<Request>(options: GuardOptions<Request>): Guard<Request> {
  const { limiter, key = byAddress(), skip, cost, rules } = options;
  const consume = "consumeSync" in limiter ? limiter.consumeSync : limiter.consume;

  const count = (view: RequestView, request: Request): Maybe<GuardAnswer> =>
    then(key(view, request), (subject) =>
      then(cost?.(view, request), (tokens) =>
        then(rules?.(view, request), (others) => then(consume(subject, { cost: tokens, rules: others }), answer)),
      ),
    );
  if (!skip) return count;
  return (view, request) => then(skip(view, request), (skipped) => (skipped ? undefined : count(view, request)));
}

/** The answer that a decision makes: fields for every response, and a problem body for a refusal. */
export function answer(decision: Decision): GuardAnswer {
  const fields = rateLimitFields(decision);
  if (decision.allowed) return { decision, fields };
  const blocked = decision.outcome === "blocked";
  const violated = decision.rules.filter((rule) => blocked || !rule.fits).map((rule) => rule.name);
  return {
    decision,
    fields,
    problem: problem({
      type: `${PROBLEM_TYPES}#${blocked ? "abnormal-usage-detected" : "quota-exceeded"}`,
      title: "Too many requests",
      status: 429,
      detail: detailOf(decision),
      "violated-policies": violated,
    }),
  };
}

function detailOf(decision: Decision): string {
  if (decision.outcome === "over-capacity") return "The request costs more than its quota ever holds.";
  return `Try again in ${retryAfterSeconds(decision)} s.`;
}

/** Goes on at once with a value that is there, later with one that is promised. */
function then<T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
