// The service as an Express application, made of what it is given: no port, no process, no global. Read it top to bottom, as a
// request goes.

import { createHmac } from "node:crypto";
import type { ApiKeys } from "@holdfast/api-key";
import { apiKey } from "@holdfast/api-key/express";
import { type Clock, systemClock } from "@holdfast/core";
import { createClientAddress, fromExpress } from "@holdfast/core/http";
import type { RateLimiter } from "@holdfast/rate-limiter";
import { byAddress, rateLimit } from "@holdfast/rate-limiter/express";
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
import { orderRoute } from "./http/orders.ts";
import { requestId } from "./http/request-id.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { ORDERS_READ } from "./keys.ts";
import { meterOf } from "./metrics.ts";
import type { Orders } from "./orders.ts";

export interface AppOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Of echo requests. */
  readonly limiter: RateLimiter;
  readonly keys: ApiKeys;
  /** Undefined where there are none: then nobody serves them. */
  readonly orders?: Orders | undefined;
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
  const { config, logger, registry, limiter, keys, orders } = options;
  const { checks = {}, isStopping = () => false, clock = systemClock } = options;
  const health = createHealth({
    checks: { rateLimiter: () => checkLimiter(limiter), ...checks },
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
  app.use(observe({ meter: meterOf(registry), clock, client: clientOf(config) }));

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

  if (orders) {
    app
      .route("/api/orders/:id")
      .all(apiKey({ keys, scope: ORDERS_READ, trustedProxies: config.TRUSTED_PROXIES, logger }))
      .get(orderRoute(orders))
      .all(methodNotAllowed("GET, HEAD"));
  }

  app.use(notFound);
  app.use(failed);
  return app;
}

/** Without Redis the limiter goes on by itself. To take every instance out of service for it would be worse. */
async function checkLimiter(limiter: RateLimiter): Promise<"degraded" | undefined> {
  const { outcome } = await limiter.peek("health check");
  return outcome === "degraded" ? outcome : undefined;
}

/** A pseudonym of the client's address: lines of one client can be told together, and the log holds no personal data. */
function clientOf({ TRUSTED_PROXIES, LOG_KEY }: Settings): (request: Request) => string {
  const clientAddress = createClientAddress({ trustedProxies: TRUSTED_PROXIES });
  return (request) => {
    const address = clientAddress(fromExpress(request)) ?? "unknown";
    return createHmac("sha256", LOG_KEY.reveal()).update(address).digest("base64url").slice(0, 12);
  };
}
