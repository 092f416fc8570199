// What goes wrong, as problem details (RFC 9457). What is inside, messages and stacks, goes to the log and not outside.

import "./locals.ts";
import { STATUS_CODES } from "node:http";
import { problem, sendProblem } from "@holdfast/core/http";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";

export function refuse(response: Response, status: number, detail?: string): void {
  const { requestId } = response.locals;
  sendProblem(response, problem({ title: STATUS_CODES[status] ?? "Error", status, detail, requestId }));
}

export const notFound: RequestHandler = (_request, response) => refuse(response, 404);

/** For the end of a route that has other methods. */
export function methodNotAllowed(allowed: string): RequestHandler {
  return (_request, response) => {
    response.set("Allow", allowed);
    refuse(response, 405, `Allowed here: ${allowed}.`);
  };
}

// By the `type` of body-parser's errors, whose own messages quote the body.
const DETAILS: Readonly<Record<string, string>> = {
  "entity.too.large": "The body is larger than this service takes.",
  "entity.parse.failed": "The body is not valid JSON.",
  "charset.unsupported": "The body's charset is not supported.",
  "encoding.unsupported": "The body's content encoding is not supported.",
};

/** The last middleware: whatever was thrown or passed to `next`. */
export const failed: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const { status, type } = clientError(error);
  const { logger } = response.locals;
  if (status === 500) logger.error({ err: error }, "request failed");
  // Not the error itself: body-parser's carries the whole body.
  else logger.info({ status, reason: type }, "request refused");
  // Too late for an answer of ours: Express then ends the connection.
  if (response.headersSent) next(error);
  else refuse(response, status, DETAILS[type]);
};

/** 500 unless the error was made for the client: an error of a failed call to another service has a `status` as well. */
function clientError(error: unknown): { readonly status: number; readonly type: string } {
  const { expose, status, type } = (error ?? {}) as Partial<Record<string, unknown>>;
  const known = expose === true && typeof status === "number" && status >= 400 && status < 500;
  return known ? { status, type: typeof type === "string" ? type : "" } : { status: 500, type: "" };
}
