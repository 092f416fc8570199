// One id for a request, the same in our log, in the answer and, where they sent it, in the logs of those before us.

import "./locals.ts";
import { randomUUID } from "node:crypto";
import type { RequestHandler } from "express";
import type { Logger } from "pino";

// An id from outside ends up in logs and headers, so it has a bound, and no character that means anything there.
const WELL_FORMED = /^[A-Za-z0-9._-]{8,128}$/;

/** Takes a well-formed `X-Request-Id` or makes one, sends it back, and gives the request a logger that says it. */
export function requestId(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get("x-request-id");
    const id = given !== undefined && WELL_FORMED.test(given) ? given : randomUUID();
    response.locals.requestId = id;
    response.locals.logger = logger.child({ requestId: id });
    response.set("X-Request-Id", id);
    next();
  };
}
