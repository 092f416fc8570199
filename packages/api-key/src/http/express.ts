// API keys as Express middleware, for Express 4 and 5. Loads no framework: requests and responses are met by structure.

import { type ExpressRequest, fromExpress, type NodeResponse, sendProblem } from "@holdfast/core/http";
import type { KeyInfo } from "../key-info.ts";
import { accept, acceptedKey } from "./accepted.ts";
import { authorise, createGuard, type GuardAnswer, type GuardOptions, type RightsOptions } from "./guard.ts";

export type { GuardOptions, RightsOptions } from "./guard.ts";

export type Next = (error?: unknown) => void;
export type Middleware<Request> = (request: Request, response: NodeResponse, next: Next) => void;

/**
 * Middleware that lets requests with a good key pass, and answers 401, 403, 400 or 429 to the others. `keyOf(request)` is the key.
 *
 * @example
 * app.use("/api", apiKey({ keys, isPublic: (view) => view.url === "/api/health" }));
 * app.get("/api/datasets/:id", requireScope({ keys, scope: "datasets:read" }), (request, response) => response.json(keyOf(request)?.owner));
 */
export function apiKey<Request extends ExpressRequest>(options: GuardOptions<Request>): Middleware<Request> {
  const guard = createGuard(options);
  return (request, response, next) => {
    guard.authenticate(fromExpress(request), request).then((answer) => go(answer, request, response, next), next);
  };
}

/** Middleware behind `apiKey` that asks for more: 403 where the key lacks it, and 401 where there is none. */
export function requireScope<Request extends ExpressRequest>(
  options: Pick<GuardOptions<Request>, "keys" | "realm" | "logger" | "trustedProxies" | "requestIdHeader"> &
    RightsOptions<Request>,
): Middleware<Request> {
  return (request, response, next) => {
    authorise(options.keys, keyOf(request), options, fromExpress(request), request).then(
      (answer) => go(answer, request, response, next),
      next,
    );
  };
}

/** The key that the request was accepted with; undefined for a public one. */
export function keyOf(request: object): KeyInfo | undefined {
  return acceptedKey(request);
}

function go(answer: GuardAnswer, request: object, response: NodeResponse, next: Next): void {
  if ("refused" in answer) {
    for (const [name, value] of Object.entries(answer.refused.headers)) response.setHeader(name, value);
    sendProblem(response, answer.refused.problem);
    return;
  }
  accept(request, answer.key);
  next();
}
