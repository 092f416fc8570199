// What Express and node:http share: a guard in front of a response that is written to.

import { type NodeRequest, type NodeResponse, type RequestView, sendProblem } from "@holdfast/core/http";
import type { Refusal } from "../decision.ts";
import { createGuard, type GuardAnswer, type GuardOptions } from "./guard.ts";

export type Next = (error?: unknown) => void;

export interface MiddlewareOptions<Request extends NodeRequest, Response extends NodeResponse>
  extends GuardOptions<Request> {
  /** Answers a refused request in the place of the problem+json; the fields are set already. */
  readonly onRefused?: ((refusal: Refusal, request: Request, response: Response) => void) | undefined;
}

export type Middleware<Request, Response> = (request: Request, response: Response, next: Next) => void;

export function middleware<Request extends NodeRequest, Response extends NodeResponse>(
  options: MiddlewareOptions<Request, Response>,
  viewOf: (request: Request) => RequestView,
): Middleware<Request, Response> {
  const guard = createGuard(options);
  const { onRefused } = options;

  /** True where the request has been answered and must not go on. */
  const respond = (answer: GuardAnswer | undefined, request: Request, response: Response): boolean => {
    if (!answer) return false;
    // Not taken apart as [name, value], which would walk an iterator for each.
    for (const field of answer.fields) response.setHeader(field[0], field[1]);
    if (!answer.refused) return false;
    if (onRefused) onRefused(answer.refused.decision, request, response);
    else sendProblem(response, answer.refused.problem());
    return true;
  };

  const settle = (answer: GuardAnswer | undefined, request: Request, response: Response, next: Next): void => {
    let answered: boolean;
    try {
      answered = respond(answer, request, response);
    } catch (error) {
      next(error);
      return;
    }
    if (!answered) next();
  };

  return (request, response, next) => {
    let answer: ReturnType<typeof guard>;
    try {
      answer = guard(viewOf(request), request);
    } catch (error) {
      next(error);
      return;
    }
    if (answer instanceof Promise) answer.then((late) => settle(late, request, response, next), next);
    else settle(answer, request, response, next);
  };
}
