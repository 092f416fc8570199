// The limiter as Express middleware, for Express 4 and 5. Loads no framework: requests and responses are met by structure.

import { type ExpressRequest, fromExpress, type NodeResponse, sendProblem } from "@holdfast/core/http";
import type { Refused } from "../decision.ts";
import { createGuard, type GuardAnswer, type GuardOptions } from "./guard.ts";

export type { GuardOptions } from "./guard.ts";
export { type AddressKeyOptions, byAddress } from "./keys.ts";

export interface ExpressOptions<Request extends ExpressRequest, Response extends NodeResponse>
  extends GuardOptions<Request> {
  /** Answers a refused request in the place of the 429 with a problem+json body; the fields are set already. */
  readonly onRefused?: ((refusal: Refused, request: Request, response: Response, next: Next) => void) | undefined;
}

export type Next = (error?: unknown) => void;

/**
 * Middleware that counts each request and answers 429 to one too many, with `RateLimit`, `RateLimit-Policy` and `Retry-After`.
 * What the limiter or an option throws goes to `next`.
 *
 * @example
 * const limiter = createRateLimiter({ rules: "60/minute" });
 * app.use("/api", rateLimit({ limiter, key: byAddress({ trustedProxies: 1 }) }));
 */
export function rateLimit<Request extends ExpressRequest, Response extends NodeResponse>(
  options: ExpressOptions<Request, Response>,
): (request: Request, response: Response, next: Next) => void {
  const guard = createGuard(options);
  const { onRefused } = options;

  /** True where the request has been answered and must not go on. */
  const respond = (answer: GuardAnswer | undefined, request: Request, response: Response, next: Next): boolean => {
    for (const [name, value] of answer?.fields ?? []) response.setHeader(name, value);
    if (!answer?.problem || answer.decision.allowed) return false;
    if (onRefused) onRefused(answer.decision, request, response, next);
    else sendProblem(response, answer.problem);
    return true;
  };

  return (request, response, next) => {
    const settle = (answer: GuardAnswer | undefined): void => {
      let answered: boolean;
      try {
        answered = respond(answer, request, response, next);
      } catch (error) {
        next(error);
        return;
      }
      if (!answered) next();
    };
    let answer: ReturnType<typeof guard>;
    try {
      answer = guard(fromExpress(request), request);
    } catch (error) {
      next(error);
      return;
    }
    if (answer instanceof Promise) answer.then(settle, next);
    else settle(answer);
  };
}
