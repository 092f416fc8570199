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

/** 200 where every check passes; 503 where one does not, and from the first moment of a shutdown. */
export function healthRoute({ health, isStopping, build, clock }: HealthRouteOptions): RequestHandler {
  const started = clock.monotonic();
  return async (_request, response) => {
    const checks = await health();
    const failing = Object.values(checks).some(({ status }) => status !== "ok");
    const status = isStopping() ? "stopping" : failing ? "failing" : "ok";
    const uptimeSeconds = Math.floor((clock.monotonic() - started) / 1000);
    response.status(status === "ok" ? 200 : 503).json({ status, checks, build, uptimeSeconds });
  };
}
