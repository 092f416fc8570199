// What is told of a call: the errors that it ends with, and its events.

import { HttpRetryError, type HttpRetryErrorCode } from "../errors.ts";
import { type AttemptAttributes, type RequestFacts, tell, wants } from "../events.ts";
import type { GaveUp } from "../outcome.ts";
import type { Outcome, Verdict } from "../policy/decide.ts";
import type { Attempt } from "./attempt.ts";
import type { CallController, EngineCall } from "./types.ts";

function requestFacts({ options }: EngineCall): RequestFacts {
  const { origin, path, method } = options;
  const query = path.indexOf("?");
  return { method, origin: originText(origin), path: query === -1 ? path : path.slice(0, query) };
}

function originText(origin: string | URL | undefined): string {
  return typeof origin === "string" ? origin : (origin?.origin ?? "");
}

/** `what` follows the request's name: `GET https://example.com/orders`, without its query. */
export function callError(
  call: EngineCall,
  controller: CallController,
  code: HttpRetryErrorCode,
  what: string,
  cause?: unknown,
): HttpRetryError {
  const { method, origin, path } = requestFacts(call);
  const { attempts, lastResponse: response, gaveUp } = controller;
  const retryAt = gaveUp?.until === undefined ? undefined : new Date(gaveUp.until);
  const details = { attempts, response, retryAt, ...(cause !== undefined && { cause }) };
  return new HttpRetryError(code, `${method} ${origin}${path} ${what}`, details);
}

/** What a call comes to whose last attempt ended with an error. */
export function failedCall(
  call: EngineCall,
  controller: CallController,
  error: unknown,
  isAnswered: boolean,
): HttpRetryError {
  const { attempts, gaveUp } = controller;
  const code = codeOf(error, gaveUp, isAnswered);
  const what = isAnswered ? "failed in its body" : "failed";
  const tries = attempts.length === 1 ? "" : ` after ${attempts.length} attempts`;
  const rest = code === "DEADLINE" ? "; the deadline leaves no time for another attempt" : "";
  return callError(call, controller, code, `${what}${tries}: ${messageOf(error)}${rest}`, error);
}

function codeOf(error: unknown, gaveUp: GaveUp | undefined, isAnswered: boolean): HttpRetryErrorCode {
  if (gaveUp?.why === "deadline") return "DEADLINE";
  if (gaveUp?.why === "circuit-open") return "CIRCUIT_OPEN";
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  if (code === "TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") return "TIMEOUT";
  if (code === "DIGEST_MISMATCH") return code;
  // undici's own word for a header, a method or a body that can't be sent.
  if (code === "UND_ERR_INVALID_ARG") return "INVALID_OPTION";
  return isAnswered ? "BODY_BROKEN" : "NETWORK";
}

function messageOf(error: unknown): string {
  // An AggregateError of connecting to several addresses has no message of its own.
  return error instanceof Error
    ? error.message || String((error as { code?: unknown }).code ?? error.name)
    : String(error);
}

function reasonOf(outcome: Outcome): string {
  return "status" in outcome ? String(outcome.status) : outcome.failure.code;
}

function responseOf(outcome: Outcome) {
  return (
    "status" in outcome && {
      response: {
        status: outcome.status,
        headers: outcome.headers as Readonly<Record<string, string | string[] | undefined>>,
      },
    }
  );
}

export function tellRetry(
  call: EngineCall,
  attempt: Attempt,
  verdict: Extract<Verdict, { retry: true }>,
  outcome: Outcome,
  error: unknown,
): void {
  tell(call.policy.on, "retry", () => ({
    request: requestFacts(call),
    attempt: attempt.number,
    delay: verdict.delayMs,
    reason: reasonOf(outcome),
    delayFrom: verdict.from,
    ...responseOf(outcome),
    ...(error !== undefined && { error }),
  }));
}

export function tellGiveUp(call: EngineCall, attempts: number, { why, until }: GaveUp, reason: string): void {
  if (why === "budget") tellBudget(call);
  tell(call.policy.on, "giveUp", () => ({
    request: requestFacts(call),
    attempts,
    why,
    reason,
    ...(until !== undefined && { until }),
  }));
}

export function tellBudget(call: EngineCall): void {
  tell(call.policy.on, "budget", () => ({ origin: originText(call.options.origin), request: requestFacts(call) }));
}

/** `error` is undefined where the attempt had a response, and all of it. */
export function tellAttempt(call: EngineCall, attempt: Attempt, nowMs: number, error: unknown): void {
  const { on } = call.policy;
  if (!wants(on, "attempt")) return;
  const { number, status, startedAt, isHedge } = attempt;
  tell(on, "attempt", () => ({
    request: requestFacts(call),
    attempt: number,
    durationMs: nowMs - startedAt,
    ...(status > 0 && { status }),
    ...(error !== undefined && { error }),
    isHedge,
    attributes: attributesOf(call, attempt, error),
  }));
}

/** By https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
function attributesOf(call: EngineCall, { number, status }: Attempt, error: unknown): AttemptAttributes {
  const { protocol, hostname, port } = new URL(originText(call.options.origin));
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  const errorType = error !== undefined ? String(code ?? name) : status >= 400 ? String(status) : undefined;
  return {
    "http.request.method": call.options.method,
    "server.address": hostname,
    "server.port": port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    "url.scheme": protocol.slice(0, -1),
    ...(status > 0 && { "http.response.status_code": status }),
    ...(number > 1 && { "http.request.resend_count": number - 1 }),
    ...(errorType !== undefined && { "error.type": errorType }),
  };
}
