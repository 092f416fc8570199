// Where a redirect leads, and what of the request follows it: RFC 9110, 15.4, as the Fetch standard reads it.

import { HttpRetryError, type KeptResponse } from "../errors.ts";
import { type HttpRequest, nameOf, type RequestFields, urlOf } from "./request.ts";
import { withSafeHeadersOnly } from "./safe-headers.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const OF_THE_BODY = ["content-encoding", "content-language", "content-length", "content-location", "content-type"];

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/**
 * The request that a redirect asks for.
 * @throws HttpRetryError `INVALID_REDIRECT`, or `BODY_NOT_REPLAYABLE` when the body would have to be sent again and can't
 */
export function redirected(request: HttpRequest, response: KeptResponse): HttpRequest {
  const { status } = response;
  const target = targetOf(request, response);
  const headers = target.origin === request.origin ? request.headers : withSafeHeadersOnly(request.headers);
  const next = { ...request, origin: target.origin, path: target.pathname + target.search, headers };
  if (becomesGet(request.method, status)) {
    return { ...next, method: "GET", body: undefined, headers: withoutBodyFields(headers) };
  }
  if (request.body?.isReplayable !== false) return next;
  throw new HttpRetryError(
    "BODY_NOT_REPLAYABLE",
    `${nameOf(request)} answered ${status}, a redirect that asks for the request body again, which was read from a stream; raise replayLimit, or give a function that makes the body`,
    { response },
  );
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return method === "POST" && (status === 301 || status === 302);
}

function targetOf(request: HttpRequest, response: KeptResponse): URL {
  const {
    status,
    headers: { location },
  } = response;
  const url =
    typeof location === "string" && URL.canParse(location, urlOf(request)) && new URL(location, urlOf(request));
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new HttpRetryError(
    "INVALID_REDIRECT",
    `${nameOf(request)} answered ${status} with a location that is no http or https URL`,
    { response },
  );
}

function withoutBodyFields(headers: RequestFields): RequestFields {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_BODY.includes(name)));
}
