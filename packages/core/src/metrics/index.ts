export {
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramOptions,
  type InstrumentOptions,
  type Labels,
  type Meter,
  type MetricsErrorCode,
  silentMeter,
} from "./meter.ts";
export { type OpenTelemetryMeter, openTelemetryMeter } from "./open-telemetry.ts";
export { type PromClient, type PromRegistry, promClientMeter } from "./prom-client.ts";
