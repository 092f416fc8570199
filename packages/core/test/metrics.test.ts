import { type Meter as ApiMeter, type Attributes, metrics } from "@opentelemetry/api";
import { type HistogramMetricData, MeterProvider, type MetricData, MetricReader } from "@opentelemetry/sdk-metrics";
import * as promClient from "prom-client";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Counter,
  type Meter,
  type OpenTelemetryMeter,
  openTelemetryMeter,
  type PromClient,
  promClientMeter,
  silentMeter,
} from "../src/metrics/index.ts";
import { describeMeter, type Sample } from "./meter-contract.ts";

const help = "For the test.";

describeMeter("prom-client", () => {
  const registry = new promClient.Registry();
  return {
    meter: promClientMeter(promClient, registry),
    sibling: promClientMeter(promClient, registry),
    collect: async () => (await registry.getMetricsAsJSON()).flatMap(promSamples),
  };
});

describeMeter("OpenTelemetry", () => {
  const { provider, collect } = startOpenTelemetry();
  return {
    meter: openTelemetryMeter(provider.getMeter("test")),
    sibling: openTelemetryMeter(provider.getMeter("test")),
    collect: async () => (await collect()).flatMap(openTelemetrySamples),
  };
});

describe("promClientMeter", () => {
  it("exports by Prometheus's text format under the name as it is", async () => {
    const registry = new promClient.Registry();
    const meter = promClientMeter(promClient, registry);
    meter.counter({ name: "requests_total", help: "Requests seen.", labels: ["method"] }).add(2, { method: "GET" });
    expect(await registry.metrics()).toBe(
      '# HELP requests_total Requests seen.\n# TYPE requests_total counter\nrequests_total{method="GET"} 2\n',
    );
  });

  it("leaves the global registry alone when given another", () => {
    promClientMeter(promClient, new promClient.Registry()).counter({ name: "requests_total", help });
    expect(promClient.register.getSingleMetric("requests_total")).toBeUndefined();
  });

  it("counts into a metric of the user's own, if kind and labels are the same", async () => {
    const registry = new promClient.Registry();
    const own = new promClient.Counter({ name: "requests_total", help, labelNames: ["method"], registers: [registry] });
    own.inc({ method: "GET" }, 5);
    const counter = promClientMeter(promClient, registry).counter({ name: "requests_total", help, labels: ["method"] });
    counter.add(1, { method: "GET" });
    expect((await own.get()).values).toMatchObject([{ value: 6 }]);
  });

  it("refuses the name of a metric of the user's own that is of another kind or has other labels", () => {
    const registry = new promClient.Registry();
    new promClient.Counter({ name: "requests_total", help, labelNames: ["method"], registers: [registry] });
    const meter = promClientMeter(promClient, registry);
    const clashes = [
      () => meter.gauge({ name: "requests_total", help, labels: ["method"] }),
      () => meter.counter({ name: "requests_total", help }),
      () => meter.counter({ name: "requests_total", help, labels: ["path"] }),
    ];
    for (const clash of clashes) expect(clash).toThrow(expect.objectContaining({ code: "METRIC_CONFLICT" }));
  });

  it("takes prom-client as it is, with a registry of either format", () => {
    expectTypeOf<typeof promClient>().toExtend<PromClient<promClient.Registry>>();
    const openMetrics = new promClient.Registry<promClient.OpenMetricsContentType>();
    expectTypeOf(promClientMeter(promClient, openMetrics)).toEqualTypeOf<Meter>();
    expectTypeOf(promClientMeter(promClient, promClient.register)).toEqualTypeOf<Meter>();
  });
});

describe("openTelemetryMeter", () => {
  it("passes help and unit on", async () => {
    const { provider, collect } = startOpenTelemetry();
    const meter = openTelemetryMeter(provider.getMeter("test"));
    meter.histogram({ name: "request_duration_seconds", help: "How long.", unit: "s" }).record(1);
    meter.counter({ name: "requests_total", help: "How many." }).add(1);
    expect((await collect()).map(({ descriptor }) => descriptor)).toMatchObject([
      { name: "request_duration_seconds", description: "How long.", unit: "s" },
      { name: "requests_total", description: "How many.", unit: "" },
    ]);
  });

  it("takes a meter of @opentelemetry/api, also the one that does nothing until an SDK is there", () => {
    expectTypeOf<ApiMeter>().toExtend<OpenTelemetryMeter>();
    const meter = openTelemetryMeter(metrics.getMeter("test"));
    expect(() => meter.gauge({ name: "jobs", help }).set(1)).not.toThrow();
  });
});

describe("silentMeter", () => {
  it("has every instrument and does nothing", () => {
    expect(silentMeter.counter({ name: "a", help }).add(1)).toBeUndefined();
    expect(silentMeter.gauge({ name: "b", help }).set(1)).toBeUndefined();
    expect(silentMeter.histogram({ name: "c", help }).record(1)).toBeUndefined();
    expectTypeOf(silentMeter).toEqualTypeOf<Meter>();
  });
});

describe("the types of labels", () => {
  it("come from the options", () => {
    const counter = silentMeter.counter({ name: "a", help, labels: ["method", "outcome"] });
    expectTypeOf(counter).toEqualTypeOf<Counter<"method" | "outcome">>();
    expectTypeOf(counter.add)
      .parameter(1)
      .toEqualTypeOf<{ readonly method?: string | undefined; readonly outcome?: string | undefined } | undefined>();
  });
});

function promSamples({ name, values }: Awaited<ReturnType<promClient.Registry["getMetricsAsJSON"]>>[number]): Sample[] {
  const rows = values as readonly { value: number; labels: Record<string, string>; metricName?: string }[];
  const plain = rows.filter(({ metricName }) => metricName === undefined);
  const samples: Sample[] = plain.map(({ labels, value }) => ({ name, labels: { ...labels }, value }));
  for (const count of rows.filter(({ metricName }) => metricName === `${name}_count`)) {
    const ofSeries = ({ labels: { le, ...labels } }: (typeof rows)[number]) =>
      JSON.stringify(labels) === JSON.stringify(count.labels);
    const cumulative = rows
      .filter((row) => row.metricName === `${name}_bucket` && ofSeries(row))
      .map(({ value }) => value);
    const sum = rows.find((row) => row.metricName === `${name}_sum` && ofSeries(row))!.value;
    const buckets = cumulative.map((value, i) => value - (cumulative[i - 1] ?? 0));
    samples.push({ name, labels: count.labels, value: { count: count.value, sum, buckets } });
  }
  return samples;
}

function openTelemetrySamples(metric: MetricData): Sample[] {
  const labels = (attributes: Attributes) => ({ ...attributes }) as Record<string, string>;
  const isHistogram = (data: MetricData): data is HistogramMetricData => typeof data.dataPoints[0]?.value === "object";
  const { name } = metric.descriptor;
  if (!isHistogram(metric)) {
    return metric.dataPoints.map(({ attributes, value }) => ({
      name,
      labels: labels(attributes),
      value: value as number,
    }));
  }
  return metric.dataPoints.map(({ attributes, value: { count, sum = 0, buckets } }) => ({
    name,
    labels: labels(attributes),
    value: { count, sum, buckets: buckets.counts },
  }));
}

/** The real SDK, read in memory. */
function startOpenTelemetry(): { readonly provider: MeterProvider; collect(): Promise<readonly MetricData[]> } {
  class InMemoryReader extends MetricReader {
    protected override async onShutdown(): Promise<void> {}
    protected override async onForceFlush(): Promise<void> {}
  }
  const reader = new InMemoryReader();
  const provider = new MeterProvider({ readers: [reader] });
  return {
    provider,
    collect: async () => (await reader.collect()).resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics),
  };
}
