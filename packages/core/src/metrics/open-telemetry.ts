// A meter over the user's own OpenTelemetry.

import { meterOver } from "./instruments.ts";
import type { Meter } from "./meter.ts";

/** What is used of a meter of @opentelemetry/api, 1.9 or later. */
export interface OpenTelemetryMeter {
  createCounter(name: string, options: InstrumentDescription): { add: Measure };
  createGauge(name: string, options: InstrumentDescription): { record: Measure };
  createHistogram(
    name: string,
    options: InstrumentDescription & { advice: { explicitBucketBoundaries: number[] } },
  ): { record: Measure };
}

interface InstrumentDescription {
  description: string;
  unit?: string;
}

type Measure = (value: number, attributes: Record<string, string>) => void;

/**
 * A meter that counts into an OpenTelemetry meter; labels go out as attributes.
 *
 * @example
 * import { metrics } from "@opentelemetry/api";
 * const meter = openTelemetryMeter(metrics.getMeter("orders"));
 */
export function openTelemetryMeter(meter: OpenTelemetryMeter): Meter {
  return meterOver(({ kind, name, help, unit, buckets }) => {
    const options: InstrumentDescription = { description: help, ...(unit !== undefined && { unit }) };
    switch (kind) {
      case "counter": {
        const counter = meter.createCounter(name, options);
        return (value, attributes) => counter.add(value, attributes);
      }
      case "gauge": {
        const gauge = meter.createGauge(name, options);
        return (value, attributes) => gauge.record(value, attributes);
      }
      case "histogram": {
        const advice = { explicitBucketBoundaries: [...buckets] };
        const histogram = meter.createHistogram(name, { ...options, advice });
        return (value, attributes) => histogram.record(value, attributes);
      }
    }
  });
}
