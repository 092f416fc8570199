// The limiter around a listener of node:http.

import { fromNode, type NodeRequest, type NodeResponse } from "@holdfast/core/http";
import { type MiddlewareOptions, middleware } from "./middleware.ts";

export type { GuardOptions } from "./guard.ts";
export { type AddressKeyOptions, byAddress } from "./keys.ts";
export type { MiddlewareOptions } from "./middleware.ts";

export interface NodeOptions<Request extends NodeRequest, Response extends NodeResponse>
  extends MiddlewareOptions<Request, Response> {
  /** Answers a request that could not be counted because an option or the store threw. Default: status 500, no body. */
  readonly onError?: ((error: unknown, request: Request, response: Response) => void) | undefined;
}

/**
 * A listener that counts each request before the one it is given, and answers 429 to one too many.
 *
 * @example
 * createServer(rateLimit({ limiter }, (request, response) => response.end("ok"))).listen(8080);
 */
export function rateLimit<Request extends NodeRequest, Response extends NodeResponse>(
  options: NodeOptions<Request, Response>,
  listener: (request: Request, response: Response) => void,
): (request: Request, response: Response) => void {
  const count = middleware(options, fromNode);
  const { onError = internalError } = options;
  return (request, response) =>
    count(request, response, (error) => {
      if (error === undefined) listener(request, response);
      else onError(error, request, response);
    });
}

function internalError(_error: unknown, _request: NodeRequest, response: NodeResponse): void {
  response.statusCode = 500;
  response.end("");
}
