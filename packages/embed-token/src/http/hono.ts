// Embedded dashboards in Hono. Loads no framework: the context is met by structure.

import { fromHono, type HonoContext } from "@holdfast/core/http";
import type { EmbedGrant, Filters } from "../claims.ts";
import { accept, acceptedGrant } from "./accepted.ts";
import { answerResponse } from "./answer.ts";
import { createEndpoint, type EndpointOptions } from "./endpoint.ts";
import { createPage, type PageOptions } from "./page.ts";
import { type HonoPost, postOfHono } from "./post.ts";
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

/** What is used of a Hono context: the request, and the way to set a header on whatever response comes. */
export interface PageContext extends HonoContext {
  header(name: string, value: string, options?: { readonly append?: boolean }): void;
}

export type Middleware<C> = (context: C, next: () => Promise<void>) => Promise<Response | undefined>;
export type Handler<C> = (context: C) => Promise<Response>;

/**
 * Middleware before the dashboard's page: adds to it who may frame it, and refuses one without a good pass.
 *
 * @example
 * app.get("/embed/:id", embedPage({ embedding, dashboard: (_view, context: Context) => context.req.param("id") }), (context) => context.html(page));
 * @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY`
 */
export function embedPage<C extends PageContext>(options: PageOptions<C>): Middleware<C> {
  const page = createPage(options);
  return async (context, next) => {
    const answer = await page(fromHono(context), context);
    if ("refused" in answer) return answerResponse(answer.refused);
    await next();
    // After the page, so that it can't take them back. Of policies browsers hold it to all.
    for (const [name, value] of Object.entries(answer.headers)) {
      context.header(name, value, { append: name === "content-security-policy" });
    }
    return undefined;
  };
}

/** The handler to which the page posts its token, and which answers with a session. @throws EmbedTokenError `INVALID_OPTION` */
export function embedExchange<C extends HonoPost>(options: ExchangeOptions): Handler<C> {
  const exchange = createExchange(options);
  return async (context) => answerResponse(await exchange(postOfHono(context)));
}

/** Middleware that lets requests of a good session pass, and answers 401 to the others. `grantOf(context)` is what it grants. */
export function embedSession<C extends HonoContext, Output>(options: SessionOptions<C, Output>): Middleware<C> {
  const guard = createSessionGuard(options);
  return async (context, next) => {
    const answer = await guard(fromHono(context), context);
    if ("refused" in answer) return answerResponse(answer.refused);
    accept(context.req.raw, answer.grant);
    await next();
    return undefined;
  };
}

/** The handler of `POST /api/embed/token`. @throws EmbedTokenError `INVALID_OPTION` */
export function embedEndpoint<C extends HonoPost, Input>(options: EndpointOptions<Input>): Handler<C> {
  const endpoint = createEndpoint(options);
  return async (context) => answerResponse(await endpoint(postOfHono(context)));
}

/** What the session of a request grants; undefined where `embedSession` did not see it. */
export function grantOf<F = Filters>(context: HonoContext): EmbedGrant<F> | undefined {
  return acceptedGrant<F>(context.req.raw);
}
