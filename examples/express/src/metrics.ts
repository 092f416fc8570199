// What is counted, and where: a prom-client registry of the service's own, written to through core's meter.

import { type Meter, promClientMeter } from "@holdfast/core/metrics";
import type { Decision, SyncRateLimiter } from "@holdfast/rate-limiter";
import * as promClient from "prom-client";

/** A registry with the process's own figures in it: memory, event loop delay, garbage collection. */
export function createRegistry(): promClient.Registry {
  const registry = new promClient.Registry();
  promClient.collectDefaultMetrics({ register: registry });
  return registry;
}

export function meterOf(registry: promClient.Registry): Meter {
  return promClientMeter(promClient, registry);
}

/** The limiter, with each decision counted by its outcome. */
export function counted(limiter: SyncRateLimiter, meter: Meter): SyncRateLimiter {
  const decisions = meter.counter({
    name: "rate_limit_decisions_total",
    help: "Decisions of rate limiters, by limiter and outcome.",
    unit: "{decision}",
    labels: ["limiter", "outcome"],
  });
  const count = (decision: Decision): Decision => {
    decisions.add(1, { limiter: limiter.name, outcome: decision.outcome });
    return decision;
  };
  return {
    ...limiter,
    consume: async (key, options) => count(await limiter.consume(key, options)),
    consumeSync: (key, options) => count(limiter.consumeSync(key, options)),
  };
}
