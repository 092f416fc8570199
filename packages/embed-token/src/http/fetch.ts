// Embedded dashboards behind web-standard fetch handlers.

import { type FetchRequest, fromFetch } from "@holdfast/core/http";
import type { EmbedGrant } from "../claims.ts";
import { answerResponse } from "./answer.ts";
import { createEndpoint, type EndpointOptions } from "./endpoint.ts";
import { createPage, type PageOptions } from "./page.ts";
import { type FetchPost, postOfFetch } from "./post.ts";
import { createExchange, createSessionGuard, type ExchangeOptions, type SessionOptions } from "./session.ts";

export {
  type AdminVerifier,
  type Authorisation,
  type Authorise,
  anyOf,
  byAdminToken,
  byApiKey,
  type KeyVerifier,
} from "./authorise.ts";
export type { EndpointOptions } from "./endpoint.ts";
export type { PageOptions } from "./page.ts";
export type { ExchangeOptions, SessionOptions } from "./session.ts";
export type { RequestLimiter } from "./token-limit.ts";

interface AddressOption<Request> {
  /** The address of the socket's other end, where the platform tells it, for events. */
  readonly address?: ((request: Request) => string | undefined) | undefined;
}

/**
 * A handler of the dashboard's page: adds to it who may frame it, and refuses one without a good pass.
 *
 * @example
 * const page = embedPage({ embedding, dashboard: "sales" }, () => new Response(html, { headers: { "content-type": "text/html" } }));
 * @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY`
 */
export function embedPage<Request extends FetchRequest, Rest extends unknown[]>(
  options: PageOptions<Request> & AddressOption<Request>,
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const page = createPage(options);
  return async (request, ...rest) => {
    const answer = await page(fromFetch(request, { address: options.address?.(request) }), request);
    return "refused" in answer
      ? answerResponse(answer.refused)
      : withHeaders(await handler(request, ...rest), answer.headers);
  };
}

/** The handler to which the page posts its token, and which answers with a session. @throws EmbedTokenError `INVALID_OPTION` */
export function embedExchange<Request extends FetchPost>(
  options: ExchangeOptions & AddressOption<Request>,
): (request: Request) => Promise<Response> {
  const exchange = createExchange(options);
  return async (request) => answerResponse(await exchange(postOfFetch(request, options.address?.(request))));
}

/** A handler that hands requests of a good session on, with what it grants, and answers 401 to the others. */
export function embedSession<Request extends FetchRequest, Output, Rest extends unknown[]>(
  options: SessionOptions<Request, Output> & AddressOption<Request>,
  handler: (request: Request, grant: EmbedGrant<Output>, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const guard = createSessionGuard(options);
  return async (request, ...rest) => {
    const answer = await guard(fromFetch(request, { address: options.address?.(request) }), request);
    return "refused" in answer ? answerResponse(answer.refused) : await handler(request, answer.grant, ...rest);
  };
}

/** The handler of `POST /api/embed/token`. @throws EmbedTokenError `INVALID_OPTION` */
export function embedEndpoint<Request extends FetchPost, Input>(
  options: EndpointOptions<Input> & AddressOption<Request>,
): (request: Request) => Promise<Response> {
  const endpoint = createEndpoint(options);
  return async (request) => answerResponse(await endpoint(postOfFetch(request, options.address?.(request))));
}

/** The headers of a response that came from another fetch can't be set. */
function withHeaders(response: Response, more: Readonly<Record<string, string>>): Response {
  const headers = new Headers(response.headers);
  // A policy that the page has already is kept: browsers hold a page to all of them.
  for (const [name, value] of Object.entries(more)) {
    if (name === "content-security-policy") headers.append(name, value);
    else headers.set(name, value);
  }
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
