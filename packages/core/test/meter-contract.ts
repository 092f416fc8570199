// What `Meter` promises, one test a sentence, for every adapter.

import { describe, expect, it } from "vitest";
import type { Meter } from "../src/metrics/index.ts";

/** What a metrics library would export, in a form that all of them can be brought into. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram: its count, its sum, and how many values each bucket took, the one past the last bound included. */
  readonly value: number | { readonly count: number; readonly sum: number; readonly buckets: readonly number[] };
}

export interface MeterUnderTest {
  readonly meter: Meter;
  /** Another meter over the same registry or provider. */
  readonly sibling: Meter;
  /** Every series measured so far. */
  collect(): Promise<readonly Sample[]>;
}

const help = "For the test.";
const LATENCY = { name: "request_duration_seconds", help, unit: "s", buckets: [0.1, 1] } as const;

export function describeMeter(library: string, start: () => MeterUnderTest): void {
  describe(`the meter over ${library}`, () => {
    it("adds up a counter", async () => {
      const { meter, collect } = start();
      const counter = meter.counter({ name: "requests_total", help });
      counter.add(1);
      counter.add(2.5);
      counter.add(0);
      expect(await collect()).toEqual([{ name: "requests_total", labels: {}, value: 3.5 }]);
    });

    it("sets a gauge, up and down and below zero", async () => {
      const { meter, collect } = start();
      const gauge = meter.gauge({ name: "temperature_celsius", help });
      gauge.set(20);
      gauge.set(-3.5);
      expect(await collect()).toEqual([{ name: "temperature_celsius", labels: {}, value: -3.5 }]);
    });

    it("puts a histogram's values into buckets whose bounds are inclusive", async () => {
      const { meter, collect } = start();
      const histogram = meter.histogram(LATENCY);
      for (const value of [0, 0.1, 0.5, 1, 8]) histogram.record(value);
      expect(await collect()).toEqual([
        { name: LATENCY.name, labels: {}, value: { count: 5, sum: 9.6, buckets: [2, 2, 1] } },
      ]);
    });

    it("has buckets from 5 ms to 10 s unless given others", async () => {
      const { meter, collect } = start();
      const histogram = meter.histogram({ name: LATENCY.name, help });
      for (const value of [0.005, 0.006, 10, 10.1]) histogram.record(value);
      const [sample] = await collect();
      expect(sample!.value).toMatchObject({ count: 4, buckets: [1, 1, ...Array(11).fill(0), 1, 1] });
    });

    it("keeps a series for each combination of label values", async () => {
      const { meter, collect } = start();
      const counter = meter.counter({ name: "requests_total", help, labels: ["method", "outcome"] });
      counter.add(1, { method: "GET", outcome: "ok" });
      counter.add(2, { method: "POST", outcome: "ok" });
      counter.add(3, { outcome: "ok", method: "GET" });
      expect(sorted(await collect())).toEqual([
        { name: "requests_total", labels: { method: "GET", outcome: "ok" }, value: 4 },
        { name: "requests_total", labels: { method: "POST", outcome: "ok" }, value: 2 },
      ]);
    });

    it("labels gauges and histograms too", async () => {
      const { meter, collect } = start();
      meter.gauge({ name: "jobs", help, labels: ["queue"] }).set(3, { queue: "mail" });
      meter.histogram({ ...LATENCY, labels: ["method"] }).record(0.5, { method: "GET" });
      expect(sorted(await collect())).toEqual([
        { name: "jobs", labels: { queue: "mail" }, value: 3 },
        { name: LATENCY.name, labels: { method: "GET" }, value: { count: 1, sum: 0.5, buckets: [0, 1, 0] } },
      ]);
    });

    it("leaves out a label that is missing and ignores one that was not declared", async () => {
      const { meter, collect } = start();
      const counter = meter.counter({ name: "requests_total", help, labels: ["method", "outcome"] });
      counter.add(1, { method: "GET" });
      counter.add(1, { method: "GET", outcome: undefined });
      counter.add(1, Object.assign({ method: "GET" }, { user: "7" }));
      expect(await collect()).toEqual([{ name: "requests_total", labels: { method: "GET" }, value: 3 }]);
    });

    it("keeps nothing of the labels object that it is given", async () => {
      const { meter, collect } = start();
      const counter = meter.counter({ name: "requests_total", help, labels: ["method"] });
      const labels = { method: "GET" };
      counter.add(1, labels);
      labels.method = "POST";
      expect(await collect()).toEqual([{ name: "requests_total", labels: { method: "GET" }, value: 1 }]);
    });

    it("drops what is not finite, and below zero but for a gauge, without throwing", async () => {
      const { meter, collect } = start();
      const counter = meter.counter({ name: "requests_total", help });
      const gauge = meter.gauge({ name: "jobs", help });
      const histogram = meter.histogram(LATENCY);
      counter.add(1);
      gauge.set(1);
      histogram.record(1);
      for (const value of [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        undefined as unknown as number,
      ]) {
        counter.add(value);
        gauge.set(value);
        histogram.record(value);
      }
      counter.add(-1);
      histogram.record(-1);
      expect(sorted(await collect()).map(({ value }) => value)).toEqual([
        1,
        { count: 1, sum: 1, buckets: [0, 1, 0] },
        1,
      ]);
    });

    it("gives the same instrument for the same name", async () => {
      const { meter } = start();
      const counter = { name: "requests_total", help, labels: ["method", "outcome"] } as const;
      expect(meter.counter(counter)).toBe(
        meter.counter({ ...counter, labels: ["outcome", "method"], help: "In other words." }),
      );
      expect(meter.gauge({ name: "jobs", help })).toBe(meter.gauge({ name: "jobs", help }));
      expect(meter.histogram(LATENCY)).toBe(meter.histogram({ ...LATENCY }));
    });

    it("refuses a name that is taken by another kind, other labels or other buckets", () => {
      const { meter } = start();
      meter.counter({ name: "requests_total", help, labels: ["method"] });
      meter.histogram(LATENCY);
      const clashes = [
        () => meter.gauge({ name: "requests_total", help, labels: ["method"] }),
        () => meter.counter({ name: "requests_total", help }),
        () => meter.counter({ name: "requests_total", help, labels: ["method", "outcome"] }),
        () => meter.histogram({ ...LATENCY, buckets: [0.1, 2] }),
      ];
      for (const clash of clashes) expect(clash).toThrow(expect.objectContaining({ code: "METRIC_CONFLICT" }));
    });

    it("shares its series with another meter over the same registry", async () => {
      const { meter, sibling, collect } = start();
      for (const each of [meter, sibling]) {
        each.counter({ name: "requests_total", help, labels: ["method"] }).add(1, { method: "GET" });
      }
      expect(await collect()).toEqual([{ name: "requests_total", labels: { method: "GET" }, value: 2 }]);
    });

    it.each([
      "",
      "Requests",
      "1st",
      "_requests",
      ":requests",
      "re:quests",
      "requests-total",
      "requests.total",
      "é",
      "a".repeat(256),
    ])("refuses the name %j", (name) => {
      const { meter } = start();
      expect(() => meter.counter({ name, help })).toThrow(expect.objectContaining({ code: "INVALID_METRIC" }));
    });

    it("takes a name of 255 characters", async () => {
      const { meter, collect } = start();
      const name = "a".repeat(255);
      meter.counter({ name, help }).add(1);
      expect(await collect()).toMatchObject([{ name, value: 1 }]);
    });

    it.each(["", "le", "quantile", "__name__", "Method", "a-b", "a:b"])("refuses the label %j", (label) => {
      const { meter } = start();
      expect(() => meter.counter({ name: "requests_total", help, labels: [label] })).toThrow(
        expect.objectContaining({ code: "INVALID_METRIC" }),
      );
    });

    it("refuses a label named twice and an empty help", () => {
      const { meter } = start();
      const calls = [
        () => meter.counter({ name: "requests_total", help, labels: ["a", "a"] }),
        () => meter.counter({ name: "requests_total", help: "" }),
      ];
      for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: "INVALID_METRIC" }));
    });

    it.each([[[]], [[1, 1]], [[2, 1]], [[1, Number.POSITIVE_INFINITY]], [[Number.NaN]]])(
      "refuses the buckets %j",
      (buckets) => {
        const { meter } = start();
        expect(() => meter.histogram({ ...LATENCY, buckets })).toThrow(
          expect.objectContaining({ code: "INVALID_METRIC" }),
        );
      },
    );
  });
}

function sorted(samples: readonly Sample[]): readonly Sample[] {
  return [...samples].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
