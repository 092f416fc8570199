// API keys around a web-standard fetch handler.

import { type FetchRequest, fromFetch } from "@holdfast/core/http";
import type { KeyInfo } from "../key-info.ts";
import { createGuard, type GuardOptions, refusedResponse } from "./guard.ts";

export type { GuardOptions } from "./guard.ts";

export interface FetchOptions<Request extends FetchRequest> extends GuardOptions<Request> {
  /** The address of the socket's other end, where the platform tells it. Without it failures are counted by key alone. */
  readonly address?: ((request: Request) => string | undefined) | undefined;
}

/**
 * A handler that hands requests with a good key on, with the key, and answers 401, 403, 400 or 429 to the others. The key is
 * undefined for public ones.
 *
 * @example
 * export default { fetch: apiKey({ keys, scope: "datasets:read" }, async (request, key) => Response.json({ owner: key?.owner })) };
 */
export function apiKey<Request extends FetchRequest, Rest extends unknown[]>(
  options: FetchOptions<Request>,
  handler: (request: Request, key: KeyInfo | undefined, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const guard = createGuard(options);
  return async (request, ...rest) => {
    const view = fromFetch(request, { address: options.address?.(request) });
    const answer = await guard.authenticate(view, request);
    return "refused" in answer ? refusedResponse(answer.refused) : await handler(request, answer.key, ...rest);
  };
}
