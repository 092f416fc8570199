// The limiter around a web-standard fetch handler.

import { type FetchRequest, fromFetch } from "@holdfast/core/http";
import type { Refusal } from "../decision.ts";
import { createGuard, type GuardOptions, refusedResponse } from "./guard.ts";

export type { GuardOptions } from "./guard.ts";
export { type AddressKeyOptions, byAddress } from "./keys.ts";

export interface FetchOptions<Request extends FetchRequest> extends GuardOptions<Request> {
  /** The address of the socket's other end, where the platform tells it. Without it all requests share one key by default. */
  readonly address?: ((request: Request) => string | undefined) | undefined;
  /** Answers a refused request in the place of the problem+json; the fields are added to it. */
  readonly onRefused?: ((refusal: Refusal, request: Request) => Response | Promise<Response>) | undefined;
}

/**
 * A handler that counts each request before the one it is given, and answers 429 to one too many. What the limiter or an option
 * throws rejects.
 *
 * @example
 * const key = (view) => `token ${view.header("authorization")}`;
 * export default { fetch: rateLimit({ limiter, key }, async () => new Response("ok")) };
 */
export function rateLimit<Request extends FetchRequest, Rest extends unknown[]>(
  options: FetchOptions<Request>,
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const guard = createGuard(options);
  const { address, onRefused } = options;
  return async (request, ...rest) => {
    const answer = await guard(fromFetch(request, { address: address?.(request) }), request);
    if (!answer) return await handler(request, ...rest);
    if (answer.refused) return await refusedResponse(answer, (decision) => onRefused?.(decision, request));
    const response = await handler(request, ...rest);
    // The headers of a response that came from another fetch can't be set.
    const headers = new Headers(response.headers);
    for (const [name, value] of answer.fields) headers.set(name, value);
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  };
}
