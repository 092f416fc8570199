// Counts of what checkpoints and runs do, into the meter of `@holdfast/core/metrics`.

import { listen } from "@holdfast/core/events";
import type { Meter } from "@holdfast/core/metrics";
import { CHANNELS, type CheckpointEvents, type CheckpointHooks } from "./events.ts";
import { INGEST_CHANNELS, type IngestEvents, type IngestHooks } from "./ingest/events.ts";

export interface MetricsOptions {
  /**
   * What a key is counted under. Default: its part before the first colon, or `other` where it has none: keys may be many, and each value of a label costs
   * memory for good.
   */
  readonly streamOf?: ((key: string) => string) | undefined;
}

/**
 * Hooks that count what checkpoints do, by stream.
 *
 * - `holdfast_checkpoint_saves_total`
 * - `holdfast_checkpoint_save_duration_seconds`
 * - `holdfast_checkpoint_saved_bytes`: the size of the last one
 * - `holdfast_checkpoint_refusals_total`, also by code: `CONFLICT`, `STALE_LEASE`, `WENT_BACK`
 * - `holdfast_checkpoint_recoveries_total`: values that could not be read, with an earlier one in their place
 * - `holdfast_checkpoint_leases_total`, also by change: `granted`, `lost`, `released`
 *
 * @example
 * const checkpoints = createCheckpoints({ store, on: checkpointMetrics(promClientMeter(promClient, promClient.register)) });
 */
export function checkpointMetrics(
  meter: Meter,
  { streamOf = beforeColon }: MetricsOptions = {},
): Required<CheckpointHooks> {
  const labels = ["stream"];
  const saves = meter.counter({ name: "holdfast_checkpoint_saves_total", help: "Values saved.", labels });
  const durations = meter.histogram({
    name: "holdfast_checkpoint_save_duration_seconds",
    help: "Time that a save took.",
    unit: "s",
    labels,
  });
  const bytes = meter.gauge({ name: "holdfast_checkpoint_saved_bytes", help: "Size of the last value saved.", labels });
  const refusals = meter.counter({
    name: "holdfast_checkpoint_refusals_total",
    help: "Saves that were refused, by why.",
    labels: ["stream", "code"],
  });
  const recoveries = meter.counter({
    name: "holdfast_checkpoint_recoveries_total",
    help: "Values that could not be read, with an earlier one in their place.",
    labels,
  });
  const leases = meter.counter({
    name: "holdfast_checkpoint_leases_total",
    help: "Leases granted, lost and released.",
    labels: ["stream", "change"],
  });
  return {
    saved(event) {
      const stream = streamOf(event.key);
      saves.add(1, { stream });
      durations.record(event.durationMs / 1000, { stream });
      bytes.set(event.bytes, { stream });
    },
    recovered: ({ key }) => recoveries.add(1, { stream: streamOf(key) }),
    conflict: ({ key, code }) => refusals.add(1, { stream: streamOf(key), code }),
    lease: ({ key, change }) => leases.add(1, { stream: streamOf(key), change }),
  };
}

/**
 * Hooks that count what runs do, by stream.
 *
 * - `holdfast_ingest_records_total`, also by outcome: `processed`, `failed`, `duplicate`, `skipped`
 * - `holdfast_ingest_pages_total`
 * - `holdfast_ingest_batch_duration_seconds`: from a batch's last page to its save
 * - `holdfast_ingest_lag_seconds`: how old the newest record of the last batch was
 * - `holdfast_ingest_lag_records`: how many were still to come after it, where the source knows
 * - `holdfast_ingest_checkpoint_timestamp_seconds`: when the checkpoint was saved; its age is `time()` less this, whether or not a run is alive to tell
 * - `holdfast_ingest_rate_limited_total` and `holdfast_ingest_rate_limited_seconds_total`: how often a source was refused with 429, and how long it waited
 * - `holdfast_ingest_warnings_total`, also by kind: `cursor-in-future`, `token-expired`
 * - `holdfast_ingest_runs_total`, also by how they ended: `done`, `stopped`, `failed`
 */
export function ingestMetrics(meter: Meter, { streamOf = beforeColon }: MetricsOptions = {}): Required<IngestHooks> {
  const labels = ["stream"];
  const records = meter.counter({
    name: "holdfast_ingest_records_total",
    help: "Records by what became of them.",
    labels: ["stream", "outcome"],
  });
  const pages = meter.counter({ name: "holdfast_ingest_pages_total", help: "Pages read and saved.", labels });
  const durations = meter.histogram({
    name: "holdfast_ingest_batch_duration_seconds",
    help: "Time from a batch's last page to its save.",
    unit: "s",
    labels,
  });
  const lag = meter.gauge({
    name: "holdfast_ingest_lag_seconds",
    help: "How old the newest record of the last batch was.",
    unit: "s",
    labels,
  });
  const lagRecords = meter.gauge({
    name: "holdfast_ingest_lag_records",
    help: "How many records were still to come after the last batch, where the source knows.",
    labels,
  });
  const savedAts = meter.gauge({
    name: "holdfast_ingest_checkpoint_timestamp_seconds",
    help: "When the checkpoint was last saved, in seconds since the epoch.",
    unit: "s",
    labels,
  });
  const refusals = meter.counter({
    name: "holdfast_ingest_rate_limited_total",
    help: "How often sources were refused with 429.",
    labels,
  });
  const waits = meter.counter({
    name: "holdfast_ingest_rate_limited_seconds_total",
    help: "How long sources waited after a 429.",
    unit: "s",
    labels,
  });
  const warnings = meter.counter({
    name: "holdfast_ingest_warnings_total",
    help: "What sources warned of, by kind.",
    labels: ["stream", "kind"],
  });
  const noteSave = (stream: string, savedAt: number | undefined): void => {
    if (savedAt !== undefined) savedAts.set(savedAt / 1000, { stream });
  };
  const runs = meter.counter({
    name: "holdfast_ingest_runs_total",
    help: "Runs by how they ended.",
    labels: ["stream", "how"],
  });
  return {
    started: ({ key, savedAt }) => noteSave(streamOf(key), savedAt),
    batch({ key, pages: read, durationMs, lagMs, remaining, savedAt, ...counts }) {
      const stream = streamOf(key);
      for (const outcome of OUTCOMES) records.add(counts[outcome], { stream, outcome });
      pages.add(read, { stream });
      durations.record(durationMs / 1000, { stream });
      if (lagMs !== undefined) lag.set(lagMs / 1000, { stream });
      if (remaining !== undefined) lagRecords.set(remaining, { stream });
      noteSave(stream, savedAt);
    },
    notice(event) {
      const stream = streamOf(event.key);
      if (event.kind !== "rate-limited") return warnings.add(1, { stream, kind: event.kind });
      refusals.add(1, { stream });
      waits.add(event.waitMs / 1000, { stream });
    },
    ended: ({ key, how }) => runs.add(1, { stream: streamOf(key), how }),
  };
}

/** Counts what everything of this package does in this process from now on; call the result to stop. */
export function measureCheckpoints(meter: Meter, options?: MetricsOptions): () => void {
  return listen<CheckpointEvents & IngestEvents>(
    { ...CHANNELS, ...INGEST_CHANNELS },
    { ...checkpointMetrics(meter, options), ...ingestMetrics(meter, options) },
  );
}

const OUTCOMES = ["processed", "failed", "duplicate", "skipped"] as const;

/** `posts:4711` as `posts`. */
function beforeColon(key: string): string {
  return key.includes(":") ? key.slice(0, key.indexOf(":")) : "other";
}
