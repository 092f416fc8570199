// GET /api/health: may a load balancer send requests here?

import type { Clock } from "@holdfast/core";
import type { RequestHandler } from "express";
import type { Build } from "../build.ts";
import type { CheckState } from "../health.ts";

export interface HealthRouteOptions {
  readonly health: () => Promise<Readonly<Record<string, CheckState>>>;
  readonly isStopping: () => boolean;
  readonly build: Build;
  readonly clock: Clock;
}

/** 200 where the service can do its work, if only just; 503 where a check fails, and from the first moment of a shutdown. */
export function healthRoute({ health, isStopping, build, clock }: HealthRouteOptions): RequestHandler {
  const started = clock.monotonic();
  return async (_request, response) => {
    const checks = await health();
    const status = isStopping() ? "stopping" : summary(Object.values(checks));
    const uptimeSeconds = Math.floor((clock.monotonic() - started) / 1000);
    response
      .status(status === "ok" || status === "degraded" ? 200 : 503)
      .json({ status, checks, build, uptimeSeconds });
  };
}

function summary(checks: readonly CheckState[]): "ok" | "degraded" | "failing" {
  if (checks.some(({ status }) => status === "failed" || status === "timed out")) return "failing";
  return checks.some(({ status }) => status === "degraded") ? "degraded" : "ok";
}
