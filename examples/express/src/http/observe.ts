// Each request seen from outside, once, when it is over: a line in the log, a count and a duration.

import "./locals.ts";
import type { Clock } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import type { Request, RequestHandler, Response } from "express";

export interface ObserveOptions {
  readonly meter: Meter;
  readonly clock: Clock;
  /** What the log calls whoever sent the request. */
  readonly client: (request: Request) => string;
}

// Asked every few seconds by machines; a line for each would bury the rest.
const PROBED: ReadonlySet<string> = new Set(["/api/health", "/api/metrics"]);

export function observe({ meter, clock, client }: ObserveOptions): RequestHandler {
  const labels = ["method", "route", "status"] as const;
  const requests = meter.counter({
    name: "http_requests_total",
    help: "Requests that are over, by method, route and status.",
    unit: "{request}",
    labels,
  });
  const durations = meter.histogram({
    name: "http_request_duration_seconds",
    help: "From a request's headers to the last byte of its answer, by method, route and status.",
    unit: "s",
    labels,
  });

  return (request, response, next) => {
    const started = clock.monotonic();
    // Not "finish": that never comes where the client has gone.
    response.once("close", () => {
      const durationMs = clock.monotonic() - started;
      const { method } = request;
      const route = routeOf(request);
      // Where the client has gone in the middle of its body, Node 22 still "finishes" an answer that nobody gets.
      const answered = response.writableFinished && !request.errored;
      const status = answered ? String(response.statusCode) : "aborted";
      requests.add(1, { method, route, status });
      durations.record(durationMs / 1000, { method, route, status });
      const fields = {
        method,
        // Without the query, where people put tokens.
        path: request.path,
        route,
        status: answered ? response.statusCode : status,
        durationMs: Math.round(durationMs * 10) / 10,
        client: client(request),
      };
      response.locals.logger[levelOf(route, response)](fields, "request");
    });
    next();
  };
}

/** As it is written in app.ts. Paths that nobody serves share one label: a scanner must not make a series for each. */
function routeOf(request: Request): string {
  const path: unknown = request.route?.path;
  return typeof path === "string" ? path : "unmatched";
}

function levelOf(route: string, { statusCode }: Response): "debug" | "info" | "warn" {
  if (statusCode >= 500) return "warn";
  return PROBED.has(route) ? "debug" : "info";
}
