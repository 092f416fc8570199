// Embedded dashboards in Express 4 and 5. Loads no framework: requests and responses are met by structure.

import { type ExpressRequest, fromExpress, type NodeResponse } from "@holdfast/core/http";
import type { EmbedGrant, Filters } from "../claims.ts";
import { accept, acceptedGrant } from "./accepted.ts";
import type { Answer } from "./answer.ts";
import { createEndpoint, type EndpointOptions } from "./endpoint.ts";
import { createPage, type PageOptions } from "./page.ts";
import { type ExpressPost, type Post, postOfExpress } from "./post.ts";
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

export type Next = (error?: unknown) => void;
export type Middleware<Request> = (request: Request, response: NodeResponse, next: Next) => void;

/**
 * Middleware before the dashboard's page: sets who may frame it, and refuses one without a good pass. A handler behind it that sets
 * `Content-Security-Policy` itself takes that away: give `policy` instead.
 *
 * @example
 * app.get("/embed/sales", embedPage({ embedding, dashboard: "sales" }), (_request, response) => response.sendFile(page));
 * @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY`
 */
export function embedPage<Request extends ExpressRequest>(options: PageOptions<Request>): Middleware<Request> {
  const page = createPage(options);
  return (request, response, next) => {
    page(fromExpress(request), request).then((answer) => {
      if ("refused" in answer) return send(response, answer.refused);
      setHeaders(response, answer.headers);
      next();
    }, next);
  };
}

/** The handler to which the page posts its token, and which answers with a session. @throws EmbedTokenError `INVALID_OPTION` */
export function embedExchange<Request extends ExpressPost>(options: ExchangeOptions): Middleware<Request> {
  return handler(createExchange(options));
}

/** Middleware that lets requests of a good session pass, and answers 401 to the others. `grantOf(request)` is what it grants. */
export function embedSession<Request extends ExpressRequest, Output>(
  options: SessionOptions<Request, Output>,
): Middleware<Request> {
  const guard = createSessionGuard(options);
  return (request, response, next) => {
    guard(fromExpress(request), request).then((answer) => {
      if ("refused" in answer) return send(response, answer.refused);
      accept(request, answer.grant);
      next();
    }, next);
  };
}

/** The handler of `POST /api/embed/token`. @throws EmbedTokenError `INVALID_OPTION` */
export function embedEndpoint<Request extends ExpressPost, Input>(
  options: EndpointOptions<Input>,
): Middleware<Request> {
  return handler(createEndpoint(options));
}

/** What the session of a request grants; undefined where `embedSession` did not see it. */
export function grantOf<F = Filters>(request: object): EmbedGrant<F> | undefined {
  return acceptedGrant<F>(request);
}

function handler<Request extends ExpressPost>(answer: (post: Post) => Promise<Answer>): Middleware<Request> {
  return (request, response, next) => {
    answer(postOfExpress(request)).then((made) => send(response, made), next);
  };
}

function send(response: NodeResponse, { status, headers, body }: Answer): void {
  response.statusCode = status;
  setHeaders(response, headers);
  response.end(body);
}

function setHeaders(response: NodeResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
