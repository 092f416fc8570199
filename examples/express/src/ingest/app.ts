// What the ingestion answers: how it is, and what it counts.

import type { IngestWatch } from "@holdfast/checkpoint/ingest";
import type { Clock } from "@holdfast/core";
import express, { type Express } from "express";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { buildInfo } from "../build.ts";
import { createHealth } from "../health.ts";
import { failed, methodNotAllowed, notFound } from "../http/errors.ts";
import { healthRoute } from "../http/health.ts";
import { metricsRoute } from "../http/metrics.ts";
import { requestId } from "../http/request-id.ts";
import { checkStreams } from "./seeing.ts";

export interface IngestAppOptions {
  readonly watch: IngestWatch;
  readonly registry: Registry;
  readonly isStopping: () => boolean;
  readonly logger: Logger;
  readonly clock: Clock;
}

const CHECK_TIMEOUT_MS = 2000;

export function createIngestApp({ watch, registry, isStopping, logger, clock }: IngestAppOptions): Express {
  const checks = { streams: () => checkStreams(watch.health()) };
  const health = createHealth({ checks, timeoutMs: CHECK_TIMEOUT_MS, clock, logger });
  const app = express().disable("x-powered-by").disable("etag");
  app.use(requestId(logger));
  app
    .route("/api/health")
    .get(healthRoute({ health, isStopping, build: buildInfo(undefined), clock }))
    .all(methodNotAllowed("GET, HEAD"));
  app.route("/api/metrics").get(metricsRoute(registry)).all(methodNotAllowed("GET, HEAD"));
  app.use(notFound);
  app.use(failed);
  return app;
}
