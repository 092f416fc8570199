// A meter over the user's own prom-client.

import { conflict, type Instrument, meterOver } from "./instruments.ts";
import type { Meter } from "./meter.ts";

/** What is used of the prom-client module. */
export interface PromClient<Registry> {
  readonly Counter: PromClass<Registry, { inc(labels: Record<string, string>, value: number): void }>;
  readonly Gauge: PromClass<Registry, { set(labels: Record<string, string>, value: number): void }>;
  readonly Histogram: PromClass<Registry, { observe(labels: Record<string, string>, value: number): void }>;
}

/** What is used of a prom-client registry. */
export interface PromRegistry {
  getSingleMetric(name: string): unknown;
}

type PromClass<Registry, Metric> = new (configuration: {
  name: string;
  help: string;
  labelNames: string[];
  registers: Registry[];
  buckets: number[];
}) => Metric;

/**
 * A meter that counts into a prom-client registry. What the registry already holds under a name is counted into if it is of the
 * same kind and labels, so that two meters may share a registry; else `METRIC_CONFLICT`.
 *
 * @example
 * import * as promClient from "prom-client";
 * const meter = promClientMeter(promClient, promClient.register);
 */
export function promClientMeter<Registry extends PromRegistry>(
  client: PromClient<Registry>,
  registry: Registry,
): Meter {
  const open = <Metric>(instrument: Instrument, Class: PromClass<Registry, Metric>): Metric => {
    const { name, help, labels, buckets } = instrument;
    const present = registry.getSingleMetric(name);
    if (present === undefined) {
      return new Class({ name, help, labelNames: [...labels], registers: [registry], buckets: [...buckets] });
    }
    if (present instanceof Class && hasLabels(present, labels)) return present;
    throw conflict(instrument, "is in the registry as another kind or with other labels");
  };

  return meterOver((instrument) => {
    switch (instrument.kind) {
      case "counter": {
        const counter = open(instrument, client.Counter);
        return (value, labels) => counter.inc(labels, value);
      }
      case "gauge": {
        const gauge = open(instrument, client.Gauge);
        return (value, labels) => gauge.set(labels, value);
      }
      case "histogram": {
        const histogram = open(instrument, client.Histogram);
        return (value, labels) => histogram.observe(labels, value);
      }
    }
  });
}

function hasLabels(metric: unknown, labels: readonly string[]): boolean {
  const { labelNames = [] } = metric as { readonly labelNames?: readonly string[] };
  return labelNames.length === labels.length && labels.every((label) => labelNames.includes(label));
}
