// The limiter as Hono middleware. Loads no framework: the context is met by structure.

import { fromHono, type HonoContext } from "@holdfast/core/http";
import type { Refusal } from "../decision.ts";
import { createGuard, type GuardOptions, refusedResponse } from "./guard.ts";

export type { GuardOptions } from "./guard.ts";
export { type AddressKeyOptions, byAddress } from "./keys.ts";

/** What is used of a Hono context: the request, and the way to set a header on whatever response comes. */
export interface Context extends HonoContext {
  header(name: string, value: string): void;
}

export interface HonoOptions<C extends Context> extends GuardOptions<C> {
  /** Answers a refused request in the place of the problem+json; the fields are added to it. */
  readonly onRefused?: ((refusal: Refusal, context: C) => Response | Promise<Response>) | undefined;
}

/**
 * Middleware that counts each request and answers 429 to one too many, with `RateLimit`, `RateLimit-Policy` and `Retry-After`.
 * What the limiter or an option throws goes to Hono's error handler. The address is known under @hono/node-server; on another
 * platform give a `key` that knows it.
 *
 * @example
 * app.use("/api/*", rateLimit({ limiter: createRateLimiter({ rules: "60/minute" }) }));
 */
export function rateLimit<C extends Context>(
  options: HonoOptions<C>,
): (context: C, next: () => Promise<void>) => Promise<Response | undefined> {
  const guard = createGuard(options);
  const { onRefused } = options;
  return async (context, next) => {
    const answer = await guard(fromHono(context), context);
    if (answer?.refused) return await refusedResponse(answer, (decision) => onRefused?.(decision, context));
    for (const [name, value] of answer?.fields ?? []) context.header(name, value);
    await next();
    return undefined;
  };
}
