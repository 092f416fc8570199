// The service as a Hono application, made of what it is given: no port, no process, no global. Read it top to bottom, as a
// request goes.

import { apiKey } from "@holdfast/api-key/hono";
import { type Clock, systemClock } from "@holdfast/core";
import { problem, problemResponse } from "@holdfast/core/http";
import { promClientMeter } from "@holdfast/core/metrics";
import { createEmbedding } from "@holdfast/embed-token";
import { byApiKey, embedEndpoint, embedExchange, embedPage, embedSession, grantOf } from "@holdfast/embed-token/hono";
import { embedTokenMetrics } from "@holdfast/embed-token/metrics";
import { createRateLimiter, type RateLimiter, type RulesInput } from "@holdfast/rate-limiter";
import { rateLimit } from "@holdfast/rate-limiter/hono";
import { limiterMetrics } from "@holdfast/rate-limiter/metrics";
import { type Context, Hono } from "hono";
import type { Logger } from "pino";
import * as promClient from "prom-client";
import type { Settings } from "./config.ts";
import { createServiceKeys, SALES_READ } from "./keys.ts";
import { DASHBOARD_POLICY, dashboardPage } from "./pages.ts";
import { DASHBOARDS, visibleRows } from "./sales.ts";
import type { SharedState } from "./shared-state.ts";

export interface AppOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly state: SharedState;
  /** What runs in the dashboard's page. */
  readonly script: string;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** A page, its script, a session and its rows are four requests; nobody reads more than thirty dashboards a minute. */
const PER_ADDRESS = "120/minute";

export function createApp({ config, logger, state, script, clock = systemClock }: AppOptions): Hono {
  const registry = new promClient.Registry();
  const meter = promClientMeter(promClient, registry);
  const limiterHooks = limiterMetrics(meter);
  const limiter = (name: string, rules: RulesInput): RateLimiter =>
    createRateLimiter({ name, rules, store: state.limits, on: limiterHooks, clock });
  const keys = createServiceKeys({ config, logger, meter, limits: state.limits, clock });
  const { origin } = new URL(config.PUBLIC_URL);
  const tokenHooks = embedTokenMetrics(meter);
  const embedding = createEmbedding({
    keys: [{ id: "1", key: config.EMBED_KEY }],
    issuer: origin,
    audience: "dashboards",
    once: state.tokens,
    revocations: state.tokens,
    on: tokenHooks,
    clock,
  });

  const app = new Hono();
  app.get("/health", (context) => context.json({ status: "ok" }));
  app.get("/metrics", async (context) =>
    context.body(await registry.metrics(), 200, { "content-type": registry.contentType }),
  );

  // For the backends of those who embed.
  app.post(
    "/api/embed/token",
    embedEndpoint({
      embedding,
      authorise: byApiKey(keys),
      page: `${origin}/embed/:dashboard`,
      limiter: limiter("embed tokens", config.EMBED_RATE_LIMIT),
      enabled: config.EMBED_ENABLED,
      on: tokenHooks,
      logger,
      clock,
    }),
  );

  // For the browsers of their visitors.
  const perAddress = rateLimit({ limiter: limiter("address", PER_ADDRESS) });
  app.use("/embed/*", perAddress);
  app.use("/api/dashboards/*", perAddress);
  app.get("/dashboard.js", (context) => context.body(script, 200, { "content-type": "text/javascript" }));
  app.post("/embed/session", embedExchange({ embedding, origin, logger }));
  app.get(
    "/embed/:id",
    embedPage({ embedding, dashboard: (_view, context: Context) => dashboardOf(context), policy: DASHBOARD_POLICY }),
    (context) => {
      const dashboard = DASHBOARDS.get(dashboardOf(context));
      return dashboard ? context.html(dashboardPage(dashboard.title)) : context.notFound();
    },
  );
  app.get(
    "/api/dashboards/:id/rows",
    embedSession({ embedding, dashboard: (_view, context: Context) => dashboardOf(context) }),
    (context) => {
      const rows = DASHBOARDS.get(dashboardOf(context))?.rows ?? [];
      return context.json(visibleRows(rows, grantOf(context)?.filters ?? {}));
    },
  );

  // The same rows, all of them, for programs with a key of their own.
  app.get("/api/sales", apiKey({ keys, scope: SALES_READ, logger }), (context) =>
    context.json(DASHBOARDS.get("sales")?.rows ?? []),
  );

  app.notFound(() => problemResponse(problem({ title: "Not Found", status: 404 })));
  app.onError((error) => {
    logger.error({ err: error }, "request failed");
    return problemResponse(problem({ title: "Internal Server Error", status: 500 }));
  });
  return app;
}

function dashboardOf(context: Context): string {
  return context.req.param("id") ?? "";
}
