// What every meter does alike: checks options, knows its instruments by name, keeps out what can't be counted.

import { HoldfastError } from "@holdfast/core";
import type { Counter, Gauge, Histogram, HistogramOptions, Labels, Meter, MetricsErrorCode } from "./meter.ts";

/** An instrument's options, checked and complete. */
export interface Instrument {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly labels: readonly string[];
  /** Empty but for a histogram. */
  readonly buckets: readonly number[];
}

/** Takes a measurement that is sound: a finite value, and a new object with declared labels alone. */
export type Write = (value: number, labels: Record<string, string>) => void;

// Of OpenTelemetry's semantic conventions, for HTTP durations in seconds.
const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** A meter over a metrics library. `connect` is called once for each name. */
export function meterOver(connect: (instrument: Instrument) => Write): Meter {
  const known = new Map<string, { readonly instrument: Instrument; readonly face: unknown }>();

  const face = <Face>(kind: Instrument["kind"], options: HistogramOptions, wrap: (measure: Measure) => Face): Face => {
    const instrument = checked(kind, options);
    const earlier = known.get(instrument.name);
    if (!earlier) {
      const made = wrap(measureInto(instrument, connect(instrument)));
      known.set(instrument.name, { instrument, face: made });
      return made;
    }
    if (isSame(earlier.instrument, instrument)) return earlier.face as Face;
    throw conflict(instrument, `was asked for before as ${described(earlier.instrument)}`);
  };

  return {
    counter: (options) => face("counter", options, (add): Counter<string> => ({ add })),
    gauge: (options) => face("gauge", options, (set): Gauge<string> => ({ set })),
    histogram: (options) => face("histogram", options, (record): Histogram<string> => ({ record })),
  };
}

/** Says that an instrument's name is taken by something else. */
export function conflict(instrument: Instrument, what: string): HoldfastError<MetricsErrorCode> {
  return new HoldfastError(
    "METRIC_CONFLICT",
    `Metric ${instrument.name} ${what}, and now as ${described(instrument)}: give one of them another name`,
  );
}

type Measure = (value: number, labels?: Labels<string>) => void;

function measureInto({ kind, labels: names }: Instrument, write: Write): Measure {
  const least = kind === "gauge" ? -Number.MAX_VALUE : 0;
  return (value, labels) => {
    // Both libraries keep a counter at NaN for ever once NaN was added to it.
    if (!(value >= least && value <= Number.MAX_VALUE)) return;
    // A new object: both libraries keep the one that they are given.
    const declared: Record<string, string> = {};
    if (labels) {
      for (const name of names) {
        const label = labels[name];
        if (label !== undefined) declared[name] = String(label);
      }
    }
    write(value, declared);
  };
}

function checked(kind: Instrument["kind"], options: HistogramOptions): Instrument {
  const { name, help, unit, labels = [], buckets = DEFAULT_BUCKETS } = options;
  if (!/^[a-z][a-z0-9_]{0,254}$/.test(name)) {
    throw invalid(name, "is no name: use a-z, 0-9 and _, a letter first, at most 255 characters");
  }
  if (typeof help !== "string" || help === "") throw invalid(name, "has no help: say in a sentence what it measures");
  for (const label of labels) {
    if (!/^[a-z][a-z0-9_]{0,254}$/.test(label) || label === "le" || label === "quantile") {
      throw invalid(
        name,
        `can't have the label ${JSON.stringify(label)}: use a-z, 0-9 and _, and neither "le" nor "quantile"`,
      );
    }
  }
  if (new Set(labels).size !== labels.length) throw invalid(name, `names a label twice: ${labels.join(", ")}`);
  if (kind !== "histogram") return { kind, name, help, unit, labels: [...labels], buckets: [] };
  const isGrowing = buckets.every((bound, i) => Number.isFinite(bound) && bound > (buckets[i - 1] ?? -Infinity));
  if (buckets.length === 0 || !isGrowing) throw invalid(name, "needs buckets that are finite and grow");
  return { kind, name, help, unit, labels: [...labels], buckets: [...buckets] };
}

function isSame(one: Instrument, other: Instrument): boolean {
  return described(one) === described(other);
}

function described({ kind, labels, buckets }: Instrument): string {
  const parts = [labels.length > 0 ? `labels ${[...labels].sort().join(", ")}` : "no labels"];
  if (kind === "histogram") parts.push(`buckets ${buckets.join(", ")}`);
  return `a ${kind} with ${parts.join(" and ")}`;
}

function invalid(name: unknown, what: string): HoldfastError<MetricsErrorCode> {
  return new HoldfastError("INVALID_METRIC", `Metric ${JSON.stringify(String(name).slice(0, 64))} ${what}`);
}
