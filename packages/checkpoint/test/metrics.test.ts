import { createManualClock } from "@holdfast/core";
import { promClientMeter } from "@holdfast/core/metrics";
import * as promClient from "prom-client";
import { describe, expect, it } from "vitest";
import { createCheckpoints, memoryStore } from "../src/index.ts";
import { ingest, memorySink, type Source } from "../src/ingest.ts";
import { ingestMetrics, measureCheckpoints } from "../src/metrics.ts";
import { newRun, pagesOf, type Row, row } from "./ingest-builders.ts";

describe("metrics", () => {
  it("count records by what became of them, pages, saves, leases and runs, by the part of the key that names few", async () => {
    const registry = new promClient.Registry();
    const stop = measureCheckpoints(promClientMeter(promClient, registry));
    const run = { ...newRun(), key: "posts:4711", sink: memorySink<Row>(), deadLetters: memorySink() };
    const sieve = { id: ({ id }: Row) => id, keep: ({ n }: Row) => n < 9, timeOf: ({ n }: Row) => n * 1000 };
    await ingest({
      ...run,
      ...sieve,
      clock: createManualClock(5000),
      source: pagesOf([row(1), row(1), row(9), {}], [row(2)]),
    });
    await run.checkpoints.save("posts:4711", 5, { ifVersion: 99 }).catch(() => {});
    stop();
    await run.checkpoints.save("posts:4711", 5);

    const text = await registry.metrics();
    const stream = 'stream="posts"';
    for (const [outcome, count] of Object.entries({ processed: 2, failed: 1, duplicate: 1, skipped: 1 }))
      expect(text).toContain(`holdfast_ingest_records_total{${stream},outcome="${outcome}"} ${count}`);
    expect(text).toContain(`holdfast_ingest_pages_total{${stream}} 2`);
    expect(text).toContain(`holdfast_ingest_batch_duration_seconds_count{${stream}} 2`);
    expect(text).toContain(`holdfast_ingest_lag_seconds{${stream}} 3`);
    expect(text).toContain(`holdfast_ingest_runs_total{${stream},how="done"} 1`);
    expect(text).toContain(`holdfast_checkpoint_saves_total{${stream}} 2`);
    expect(text).toContain(`holdfast_checkpoint_save_duration_seconds_count{${stream}} 2`);
    expect(text).toMatch(/holdfast_checkpoint_saved_bytes\{stream="posts"\} \d+/);
    expect(text).toContain(`holdfast_checkpoint_refusals_total{${stream},code="CONFLICT"} 1`);
    expect(text).toContain(`holdfast_checkpoint_leases_total{${stream},change="granted"} 1`);
    expect(text).toContain(`holdfast_checkpoint_leases_total{${stream},change="released"} 1`);
    expect(text).not.toContain("4711");
  });

  it("tell how often and how long a source was held off, how far behind it is, and when the checkpoint was saved", async () => {
    const registry = new promClient.Registry();
    const on = ingestMetrics(promClientMeter(promClient, registry));
    const source: Source<number> = {
      async *pages(_, { tell }) {
        for (const waitMs of [1500, 500]) tell({ kind: "rate-limited", waitMs });
        tell({ kind: "token-expired" });
        yield { records: [row(1)], cursor: 1, remaining: 40 };
      },
    };
    const run = { ...newRun(), key: "posts:4711", on, source, clock: createManualClock(7_000_000) };
    await ingest({ ...run, sink: memorySink<Row>() });
    const text = await registry.metrics();
    const stream = 'stream="posts"';
    expect(text).toContain(`holdfast_ingest_rate_limited_total{${stream}} 2`);
    expect(text).toContain(`holdfast_ingest_rate_limited_seconds_total{${stream}} 2`);
    expect(text).toContain(`holdfast_ingest_warnings_total{${stream},kind="token-expired"} 1`);
    expect(text).toContain(`holdfast_ingest_lag_records{${stream}} 40`);
    expect(text).toContain(`holdfast_ingest_checkpoint_timestamp_seconds{${stream}} 7000`);
  });

  it("know when the checkpoint was saved as soon as a run begins, and are not told by a dry run that it was", async () => {
    const registry = new promClient.Registry();
    const clock = createManualClock(9_000_000);
    const checkpoints = createCheckpoints<number>({ store: memoryStore(), clock });
    await checkpoints.save("rows:1", 0);
    clock.advance(60_000);
    const on = ingestMetrics(promClientMeter(promClient, registry));
    const run = { ...newRun(), key: "rows:1", checkpoints, clock, on, source: pagesOf([row(1)]), dryRun: true };
    await ingest({ ...run, sink: memorySink<Row>() });
    expect(await registry.metrics()).toContain('holdfast_ingest_checkpoint_timestamp_seconds{stream="rows"} 9000');
  });
});
