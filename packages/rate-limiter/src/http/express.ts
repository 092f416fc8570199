// The limiter as Express middleware, for Express 4 and 5. Loads no framework: requests and responses are met by structure.

import { type ExpressRequest, fromExpress, type NodeResponse } from "@holdfast/core/http";
import { type Middleware, type MiddlewareOptions, middleware } from "./middleware.ts";

export type { GuardOptions } from "./guard.ts";
export { type AddressKeyOptions, byAddress } from "./keys.ts";
export type { Middleware, MiddlewareOptions, Next } from "./middleware.ts";

/**
 * Middleware that counts each request and answers 429 to one too many, with `RateLimit`, `RateLimit-Policy` and `Retry-After`.
 * What the limiter or an option throws goes to `next`.
 *
 * @example
 * const limiter = createRateLimiter({ rules: "60/minute" });
 * app.use("/api", rateLimit({ limiter, key: byAddress({ trustedProxies: 1 }) }));
 */
export function rateLimit<Request extends ExpressRequest, Response extends NodeResponse>(
  options: MiddlewareOptions<Request, Response>,
): Middleware<Request, Response> {
  return middleware(options, fromExpress);
}
