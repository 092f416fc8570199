// What is counted, and where: a prom-client registry of the service's own, written to through core's meter.

import { type Meter, promClientMeter } from "@holdfast/core/metrics";
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
