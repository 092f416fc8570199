// The service as an Express application, made of what it is given: no port, no process, no global. Read it top to bottom, as a
// request goes.

import { createHmac } from "node:crypto";
import { type Clock, systemClock } from "@holdfast/core";
import { createClientAddress, fromExpress } from "@holdfast/core/http";
import { createRateLimiter, memoryStore } from "@holdfast/rate-limiter";
import { byAddress, rateLimit } from "@holdfast/rate-limiter/express";
import { limiterMetrics } from "@holdfast/rate-limiter/metrics";
import express, { type Express, type Request } from "express";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { buildInfo } from "./build.ts";
import type { Settings } from "./config.ts";
import { type Check, createHealth } from "./health.ts";
import { echo, jsonBody } from "./http/echo.ts";
import { failed, methodNotAllowed, notFound } from "./http/errors.ts";
import { healthRoute } from "./http/health.ts";
import { metricsRoute } from "./http/metrics.ts";
import { observe } from "./http/observe.ts";
import { requestId } from "./http/request-id.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { meterOf } from "./metrics.ts";

export interface AppOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Further checks for /api/health, by name. Default none. */
  readonly checks?: Readonly<Record<string, Check>>;
  /** Whether the service is going down. Default: it never is. */
  readonly isStopping?: () => boolean;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** How long a health check may take. Below the timeout of whoever asks, which is commonly 3 to 5 seconds. */
const CHECK_TIMEOUT_MS = 2000;

export function createApp(options: AppOptions): Express {
  const { config, logger, registry, checks = {}, isStopping = () => false, clock = systemClock } = options;
  const meter = meterOf(registry);
  const limiter = createRateLimiter({
    name: "echo",
    rules: config.RATE_LIMIT,
    store: memoryStore({ clock }),
    on: limiterMetrics(meter),
  });
  const health = createHealth({
    // With a store in Redis this is what says that Redis is gone.
    checks: { rateLimiter: () => limiter.peek("health check"), ...checks },
    timeoutMs: CHECK_TIMEOUT_MS,
    clock,
    logger,
  });

  const app = express();
  app.disable("x-powered-by");
  // Answers say no-store, so a validator is of no use.
  app.disable("etag");

  app.use(securityHeaders(config.PUBLIC_URL));
  app.use(requestId(logger));
  app.use(observe({ meter, clock, client: clientOf(config) }));

  app
    .route("/api/health")
    .get(healthRoute({ health, isStopping, build: buildInfo(config.COMMIT), clock }))
    .all(methodNotAllowed("GET, HEAD"));

  app.route("/api/metrics").get(metricsRoute(registry)).all(methodNotAllowed("GET, HEAD"));

  app
    .route("/api/echo")
    // First, so that a refused request costs no more than its refusal.
    .all(rateLimit({ limiter, key: byAddress({ trustedProxies: config.TRUSTED_PROXIES }) }))
    .get(echo)
    .post(...jsonBody, echo)
    .all(methodNotAllowed("GET, HEAD, POST"));

  app.use(notFound);
  app.use(failed);
  return app;
}

/** A pseudonym of the client's address: lines of one client can be told together, and the log holds no personal data. */
function clientOf({ TRUSTED_PROXIES, LOG_KEY }: Settings): (request: Request) => string {
  const clientAddress = createClientAddress({ trustedProxies: TRUSTED_PROXIES });
  return (request) => {
    const address = clientAddress(fromExpress(request)) ?? "unknown";
    return createHmac("sha256", LOG_KEY.reveal()).update(address).digest("base64url").slice(0, 12);
  };
}
