// Three kinds of instrument, which packages count into and users back with the metrics library they have.

/** What this entry throws, as `HoldfastError`. */
export type MetricsErrorCode = "INVALID_METRIC" | "METRIC_CONFLICT";

/**
 * Makes instruments. A name asked for twice gives the same instrument; asked for as another kind, or with other labels or
 * buckets, it throws `METRIC_CONFLICT`. Names, labels or buckets out of their form throw `INVALID_METRIC`.
 */
export interface Meter {
  /** What only grows: requests, bytes, errors. */
  counter<Label extends string = never>(options: InstrumentOptions<Label>): Counter<Label>;
  /** What goes up and down: connections open, jobs waiting. */
  gauge<Label extends string = never>(options: InstrumentOptions<Label>): Gauge<Label>;
  /** How values spread: durations, sizes. */
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
}

export interface InstrumentOptions<Label extends string = string> {
  /**
   * `[a-z][a-z0-9_]*`, at most 255 characters: what both Prometheus and OpenTelemetry accept. Goes out as it is, so by Prometheus's
   * habit it ends in the unit, and in `_total` for a counter: `holdfast_http_request_duration_seconds`.
   */
  readonly name: string;
  /** What is measured, in a sentence for whoever reads the dashboard. */
  readonly help: string;
  /** Unit by UCUM: `"s"`, `"By"`, `"{request}"`. Prometheus has no place for it but the name. */
  readonly unit?: string | undefined;
  /** Names of the labels that a measurement may carry, `[a-z][a-z0-9_]*`; not `le` and not `quantile`. Default none. */
  readonly labels?: readonly Label[] | undefined;
}

export interface HistogramOptions<Label extends string = string> extends InstrumentOptions<Label> {
  /** Upper bounds, each inclusive, finite and growing. Default: 5 ms to 10 s in 14 steps, for durations in seconds. */
  readonly buckets?: readonly number[] | undefined;
}

/**
 * Values of declared labels. One that is missing is left out, one that was not declared is ignored. Keep the number of distinct
 * values small: each combination is a series of its own.
 */
export type Labels<Label extends string> = { readonly [label in Label]?: string | undefined };

// Measuring never throws: whoever counts must not break what is counted.
export interface Counter<Label extends string = never> {
  /** Adds `value`. One that is negative or not finite is dropped. */
  add(value: number, labels?: Labels<Label>): void;
}

export interface Gauge<Label extends string = never> {
  /** Sets the current value. One that is not finite is dropped. */
  set(value: number, labels?: Labels<Label>): void;
}

export interface Histogram<Label extends string = never> {
  /** Records one value. One that is negative or not finite is dropped. */
  record(value: number, labels?: Labels<Label>): void;
}

/** Counts nothing: what every package uses unless it is given a meter. */
export const silentMeter: Meter = {
  counter: () => ({ add: () => {} }),
  gauge: () => ({ set: () => {} }),
  histogram: () => ({ record: () => {} }),
};
