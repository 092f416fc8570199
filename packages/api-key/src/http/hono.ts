// API keys as Hono middleware. Loads no framework: the context is met by structure.

import { fromHono, type HonoContext } from "@holdfast/core/http";
import type { KeyInfo } from "../key-info.ts";
import { accept, acceptedKey } from "./accepted.ts";
import {
  authorise,
  createGuard,
  type GuardAnswer,
  type GuardOptions,
  type RightsOptions,
  refusedResponse,
} from "./guard.ts";

export type { GuardOptions, RightsOptions } from "./guard.ts";

export type Middleware<C> = (context: C, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * Middleware that lets requests with a good key pass, and answers 401, 403, 400 or 429 to the others. `keyOf(context)` is the key.
 *
 * @example
 * app.use("/api/*", apiKey({ keys }));
 * app.get("/api/datasets", requireScope({ keys, scope: "datasets:read" }), (context) => context.json(keyOf(context)?.owner));
 */
export function apiKey<C extends HonoContext>(options: GuardOptions<C>): Middleware<C> {
  const guard = createGuard(options);
  return async (context, next) => await go(await guard.authenticate(fromHono(context), context), context, next);
}

/** Middleware behind `apiKey` that asks for more: 403 where the key lacks it, and 401 where there is none. */
export function requireScope<C extends HonoContext>(
  options: Pick<GuardOptions<C>, "keys" | "realm" | "logger" | "trustedProxies" | "requestIdHeader"> & RightsOptions<C>,
): Middleware<C> {
  return async (context, next) => {
    const answer = await authorise(options.keys, keyOf(context), options, fromHono(context), context);
    return await go(answer, context, next);
  };
}

/** The key that the request was accepted with; undefined for a public one. */
export function keyOf(context: HonoContext): KeyInfo | undefined {
  return acceptedKey(context.req.raw);
}

async function go(answer: GuardAnswer, context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> {
  if ("refused" in answer) return refusedResponse(answer.refused);
  accept(context.req.raw, answer.key);
  await next();
  return undefined;
}
