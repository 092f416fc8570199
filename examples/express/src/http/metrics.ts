// GET /api/metrics: JSON for people and scripts, the text format for Prometheus. Keep it off the public route at the proxy.

import type { RequestHandler } from "express";
import type { Registry } from "prom-client";

// Offered with and without parameters, for a parameter in Accept matches only one that is offered too. JSON stands first: it
// is what whoever has no preference gets.
const OFFERED = [
  "application/json",
  "text/plain",
  "text/plain; version=0.0.4",
  "application/openmetrics-text",
  "application/openmetrics-text; version=1.0.0",
];

/**
 * A client that prefers OpenMetrics gets the text format too, which Prometheus reads by its Content-Type: prom-client 15
 * writes OpenMetrics by renaming the counters in the registry, for every later answer as well.
 */
export function metricsRoute(registry: Registry): RequestHandler {
  return async (request, response) => {
    response.vary("Accept");
    const type = request.accepts(OFFERED) || "application/json";
    if (type !== "application/json") {
      response.set("Content-Type", registry.contentType).send(await registry.metrics());
      return;
    }
    const metrics = await registry.getMetricsAsJSON();
    response.json({
      metrics: metrics.map(({ name, help, type: kind, values }) => ({ name, help, type: kind, values })),
    });
  };
}
