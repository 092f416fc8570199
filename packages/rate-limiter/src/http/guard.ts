// The decision that every HTTP face shares: which key, which cost, what to answer.

import { type Problem, problem, problemResponse, type RequestView } from "@holdfast/core/http";
import type { RulesInput } from "../calls.ts";
import type { Decision, Refusal } from "../decision.ts";
import type { RateLimiter, SyncRateLimiter } from "../limiter.ts";
import { rateLimitFields, retryAfterSeconds } from "./headers.ts";
import { byAddress } from "./keys.ts";
import type { OlderFields } from "./older-fields.ts";

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
  /** Which fields tell the client of its quota. Default `ietf`: `RateLimit` and `RateLimit-Policy` of the newest draft. */
  readonly fields?: "ietf" | OlderFields | undefined;
  /** Other rules than the limiter's own, such as those of the caller's plan; undefined for the limiter's own. */
  readonly rules?: ((view: RequestView, request: Request) => Maybe<RulesInput | undefined>) | undefined;
}

export interface GuardAnswer {
  /** Fields for the response, whatever it will be. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Set for a request that must not go on: what to answer instead. */
  readonly refused?: { readonly decision: Refusal; problem(): Problem };
}

/** Undefined for a request that passes uncounted. Answers at once where the limiter and every function do. */
export type Guard<Request> = (view: RequestView, request: Request) => Maybe<GuardAnswer | undefined>;

// https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html#section-6
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types";

export function createGuard<Request>(options: GuardOptions<Request>): Guard<Request> {
  const { limiter, key = byAddress(), skip, cost, rules, fields = "ietf" } = options;
  const consume = "consumeSync" in limiter ? limiter.consumeSync : limiter.consume;

  const answer = (decision: Decision): GuardAnswer => {
    // A dry run is not to be seen from outside.
    if (limiter.dryRun) return { fields: [] };
    const told = rateLimitFields(decision, fields, limiter.clock);
    return decision.allowed
      ? { fields: told }
      : { fields: told, refused: { decision, problem: () => problemOf(decision) } };
  };
  const count = (subject: string, tokens: number | undefined, others: RulesInput | undefined): Maybe<GuardAnswer> => {
    const call = tokens === undefined && others === undefined ? undefined : { cost: tokens, rules: others };
    const decision = consume(subject, call);
    return decision instanceof Promise ? decision.then(answer) : answer(decision);
  };
  // Every request passes here: nothing is allocated for a promise that no option gave.
  const guard = (view: RequestView, request: Request): Maybe<GuardAnswer> => {
    const subject = key(view, request);
    const tokens = cost?.(view, request);
    const others = rules?.(view, request);
    if (subject instanceof Promise || tokens instanceof Promise || others instanceof Promise) {
      return Promise.all([subject, tokens, others]).then((found) => count(...found));
    }
    return count(subject, tokens, others);
  };
  if (!skip) return guard;
  return (view, request) => {
    const skipped = skip(view, request);
    if (skipped instanceof Promise) return skipped.then((late) => (late ? undefined : guard(view, request)));
    return skipped ? undefined : guard(view, request);
  };
}

/** The response of a refused request, the caller's own or a problem, with the fields. */
export async function refusedResponse(
  { fields, refused }: GuardAnswer,
  own: (decision: Refusal) => Maybe<Response> | undefined,
): Promise<Response> {
  if (!refused) throw new TypeError("the request was not refused");
  const response = (await own(refused.decision)) ?? problemResponse(refused.problem());
  for (const [name, value] of fields) response.headers.set(name, value);
  return response;
}

function problemOf(decision: Refusal): Problem {
  const all = decision.outcome === "blocked" || decision.outcome === "degraded";
  const violated = decision.rules.filter((rule) => all || !rule.fits).map((rule) => rule.name);
  const detail = Number.isFinite(decision.retryAfterMs)
    ? `Try again in ${retryAfterSeconds(decision)} s.`
    : "The request costs more than its quota ever holds.";
  return problem({ ...kindOf(decision), detail, "violated-policies": violated });
}

function kindOf(decision: Refusal): { type: string; title: string; status: number } {
  // The service's own condition, whatever the client has spent (RFC 9110, 15.6.4).
  if (decision.outcome === "crowded" || (decision.outcome === "degraded" && decision.mode === "closed")) {
    return { type: `${PROBLEM_TYPES}#temporary-reduced-capacity`, title: "Reduced capacity", status: 503 };
  }
  if (decision.outcome === "blocked") {
    return { type: `${PROBLEM_TYPES}#abnormal-usage-detected`, title: "Blocked for abnormal usage", status: 429 };
  }
  return { type: `${PROBLEM_TYPES}#quota-exceeded`, title: "Too many requests", status: 429 };
}
