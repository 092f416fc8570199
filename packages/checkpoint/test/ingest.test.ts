import { createManualClock } from "@holdfast/core";
import { describe, expect, it, vi } from "vitest";
import { memoryStore } from "../src/index.ts";
import { type IngestBatchEvent, ingest, memorySink } from "../src/ingest.ts";
import { countingSource, newRun, pagesOf, type Row, row, rowSchema } from "./ingest-builders.ts";

const rowsUpTo = (count: number): Row[] => Array.from({ length: count }, (_, n) => row(n));

describe("a run", () => {
  it("writes every page, and leaves the cursor of the last", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    const result = await ingest({ ...run, source: countingSource(25, 10), sink });
    expect(result).toEqual({
      how: "done",
      pages: 3,
      cursor: 25,
      processed: 25,
      failed: 0,
      duplicate: 0,
      skipped: 0,
    });
    expect(sink.rows).toEqual(rowsUpTo(25));
    expect((await run.checkpoints.load("rows"))?.value).toBe(25);
  });

  it("goes on where the last one stopped, whatever made that one fail", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    let calls = 0;
    const failing = async (rows: readonly Row[]): Promise<void> => {
      if (++calls === 2) throw new Error("disk full");
      await sink.write(rows, {} as never);
    };
    await expect(ingest({ ...run, source: countingSource(25, 10), sink: failing })).rejects.toThrow("disk full");
    expect((await run.checkpoints.load("rows"))?.value).toBe(10);
    await ingest({ ...run, source: countingSource(25, 10), sink: failing });
    expect(sink.rows).toEqual(rowsUpTo(25));
  });

  it("saves a cursor only after its rows are written", async () => {
    const run = newRun();
    const saved: (number | undefined)[] = [];
    const sink = async (): Promise<void> => {
      saved.push((await run.checkpoints.load("rows"))?.value);
    };
    await ingest({ ...run, source: countingSource(3, 1), sink });
    expect(saved).toEqual([undefined, 1, 2]);
  });

  it("saves the cursor of a page without rows, without calling the sink", async () => {
    const run = newRun();
    const sink = vi.fn(async () => {});
    await ingest({ ...run, source: pagesOf([], []), sink });
    expect(sink).not.toHaveBeenCalled();
    expect((await run.checkpoints.load("rows"))?.value).toBe(2);
  });

  it("saves anew where the source had no page at all, so that the checkpoint tells of the look", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    await ingest({ ...run, source: countingSource(2, 1), sink });
    const before = await run.checkpoints.load("rows");
    const result = await ingest({ ...run, source: countingSource(2, 1), sink });
    expect(result).toMatchObject({ how: "done", pages: 0, cursor: 2 });
    expect((await run.checkpoints.load("rows"))?.version).toBe((before?.version ?? 0) + 1);
  });

  it("writes several pages at once, with one save, where it is told to", async () => {
    const run = newRun();
    const sizes: number[] = [];
    const sink = async (rows: readonly Row[]): Promise<void> => void sizes.push(rows.length);
    await ingest({ ...run, source: countingSource(50, 10), sink, pagesPerBatch: 2 });
    expect(sizes).toEqual([20, 20, 10]);
    expect(await run.checkpoints.load("rows")).toMatchObject({ value: 50, version: 3 });
  });

  it("asks for the next page only when the one before is saved", async () => {
    const run = newRun();
    const seen: string[] = [];
    const sink = async (): Promise<void> => void seen.push("written");
    await ingest({ ...run, source: countingSource(2, 1, (from) => seen.push(`page ${from}`)), sink });
    expect(seen).toEqual(["page 0", "written", "page 1", "written"]);
  });

  it("has the key to itself", async () => {
    const run = newRun();
    await run.checkpoints.withLease("rows", async () => {
      const second = ingest({ ...run, source: countingSource(1, 1), sink: memorySink(), lease: { wait: 0 } });
      await expect(second).rejects.toMatchObject({ code: "LEASE_HELD" });
    });
  });

  it("saves nothing once another has been granted the lease", async () => {
    const store = memoryStore();
    const run = newRun(store);
    const sink = async (): Promise<void> => {
      const entry = await store.read("rows");
      await store.grant("rows", "another", entry);
    };
    const running = ingest({ ...run, source: countingSource(2, 1), sink });
    await expect(running).rejects.toMatchObject({ code: "STALE_LEASE" });
    expect(await run.checkpoints.load("rows")).toBeUndefined();
  });

  it("refuses a source's page without records, and options that can't be", async () => {
    const source = {
      pages: async function* () {
        yield { cursor: 1 } as never;
      },
    };
    const run = { ...newRun(), sink: memorySink<Row>() };
    await expect(ingest({ ...run, source })).rejects.toMatchObject({ code: "SOURCE_FAILED" });
    for (const wrong of [{ pagesPerBatch: 0 }, { window: -1 }, { tolerate: { share: 2 } }]) {
      const running = ingest({ ...run, source: countingSource(1, 1), ...wrong });
      await expect(running).rejects.toMatchObject({ code: "INVALID_OPTION" });
    }
  });
});

describe("a run that is ended", () => {
  it("finishes the page at hand when it is stopped, and says that there may be more", async () => {
    const run = newRun();
    const stop = new AbortController();
    let calls = 0;
    const sink = async (): Promise<void> => {
      if (++calls === 2) stop.abort();
    };
    const result = await ingest({ ...run, source: countingSource(30, 10), sink, stop: stop.signal });
    expect(result).toMatchObject({ how: "stopped", cursor: 20, processed: 20 });
    expect((await run.checkpoints.load("rows"))?.value).toBe(20);
  });

  it("does not wait for a page that does not come, when it is stopped", async () => {
    const run = newRun();
    const stop = new AbortController();
    let given: AbortSignal | undefined;
    const source = {
      async *pages(_: number | undefined, { signal }: { signal: AbortSignal }) {
        given = signal;
        yield { records: [row(0)], cursor: 1 };
        stop.abort();
        await new Promise(() => {});
      },
    };
    const result = await ingest({ ...run, source, sink: memorySink(), stop: stop.signal, pagesPerBatch: 10 });
    expect(result).toMatchObject({ how: "stopped", processed: 1, cursor: 1 });
    expect(given?.aborted).toBe(true);
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
  });

  it("ends at once when it is aborted, with the reason, and does not save what was being written", async () => {
    const run = newRun();
    const abort = new AbortController();
    const reason = new Error("enough");
    const sink = (): Promise<void> => {
      abort.abort(reason);
      return new Promise(() => {});
    };
    const running = ingest({ ...run, source: countingSource(30, 10), sink, signal: abort.signal });
    await expect(running).rejects.toBe(reason);
    expect(await run.checkpoints.load("rows")).toBeUndefined();
  });
});

describe("bad records", () => {
  const bad = { id: 7, n: "x" };

  it("go to the dead letters, raw and with the reason, before the rows of their page", async () => {
    const order: string[] = [];
    const letters = memorySink<{ record: unknown; reason: string }>();
    await ingest({
      ...newRun(),
      clock: createManualClock(5000),
      source: pagesOf([row(0), bad, row(1)]),
      sink: async (rows) => void order.push(`${rows.length} rows`),
      deadLetters: async (batch, call) => {
        order.push(`${batch.length} letters`);
        await letters.write(batch, call);
      },
    });
    expect(order).toEqual(["1 letters", "2 rows"]);
    expect(letters.rows).toEqual([
      { key: "rows", record: bad, at: 5000, reason: expect.stringMatching(/^id: .+; n: .+/) },
    ]);
  });

  it("stop the run where nobody takes them, with the pages before theirs written", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    const running = ingest({ ...run, source: pagesOf([row(0)], [row(1), bad]), sink, pagesPerBatch: 5 });
    await expect(running).rejects.toMatchObject({
      code: "TOO_MANY_FAILED",
      message: expect.stringContaining('"rows" stopped before a page with bad records: 1 of 3'),
    });
    expect(sink.rows).toEqual([row(0)]);
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
  });

  it("stop the run at a count, or at a share once enough came", async () => {
    const pages = Array.from({ length: 10 }, (_, n) => [row(n), bad]);
    const failedAt = async (tolerate: object | undefined): Promise<number | undefined> => {
      const run = newRun();
      const options = { ...run, source: pagesOf(...pages), sink: memorySink<Row>(), deadLetters: memorySink() };
      await ingest({ ...options, tolerate }).catch(({ code }) => expect(code).toBe("TOO_MANY_FAILED"));
      return (await run.checkpoints.load("rows"))?.value;
    };
    expect(await failedAt({ count: 3 })).toBe(3);
    expect(await failedAt({ share: 0.4, after: 8 })).toBe(3);
    expect(await failedAt({ share: 0.4 })).toBe(10);
    expect(await failedAt(undefined)).toBe(10);
  });

  it("are read again after a failure to keep them", async () => {
    const run = newRun();
    const deadLetters = async (): Promise<void> => {
      throw new Error("letterbox full");
    };
    const sink = memorySink<Row>();
    const running = ingest({ ...run, source: pagesOf([row(0), bad]), sink, deadLetters });
    await expect(running).rejects.toThrow("letterbox full");
    expect(sink.rows).toEqual([]);
    expect(await run.checkpoints.load("rows")).toBeUndefined();
  });

  it("cost no more calls than good ones: one check each, one write a batch", async () => {
    const count = async (record: (n: number) => unknown) => {
      const calls = { checks: 0, writes: 0, saves: 0 };
      const schema = {
        "~standard": {
          ...rowSchema["~standard"],
          validate: (value: unknown) => {
            calls.checks++;
            return rowSchema["~standard"].validate(value);
          },
        },
      };
      const run = newRun();
      const pages = Array.from({ length: 20 }, (_, page) =>
        Array.from({ length: 50 }, (__, n) => record(page * 50 + n)),
      );
      const write = async (): Promise<void> => void calls.writes++;
      const on = { batch: () => void calls.saves++ };
      const flood = { ...run, schema, on, source: pagesOf(...pages), sink: write, deadLetters: write };
      await ingest({ ...flood, tolerate: {}, pagesPerBatch: 2 });
      return calls;
    };
    expect(await count(() => bad)).toEqual(await count(row));
    expect(await count(() => bad)).toEqual({ checks: 1000, writes: 10, saves: 10 });
  });

  it("are told from good ones by a schema that answers later, too", async () => {
    const later = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: async (value: unknown) =>
          (value as Row).n < 0
            ? { issues: [{ message: "below zero", path: [{ key: "n" }] }] }
            : { value: value as Row },
      },
    };
    const letters = memorySink<{ reason: string }>();
    const sink = memorySink<Row>();
    await ingest({ ...newRun(), schema: later, source: pagesOf([row(-1), row(1)]), sink, deadLetters: letters });
    expect([sink.rows, letters.rows]).toEqual([[row(1)], [expect.objectContaining({ reason: "n: below zero" })]]);
  });
});

describe("a dry run", () => {
  it("fetches, checks and counts, and writes nothing", async () => {
    const run = newRun();
    const write = vi.fn(async () => {});
    const source = pagesOf([row(0), { id: 1 }], [row(0), row(5)]);
    const options = { ...run, source, sink: write, deadLetters: write, id: ({ id }: Row) => id };
    const result = await ingest({ ...options, keep: ({ n }) => n < 5, dryRun: true });
    expect(result).toMatchObject({ processed: 1, failed: 1, duplicate: 1, skipped: 1, cursor: 2 });
    expect(write).not.toHaveBeenCalled();
    expect(await run.checkpoints.load("rows")).toBeUndefined();
  });

  it("runs beside one that has the lease, from its checkpoint", async () => {
    const run = newRun();
    await run.checkpoints.save("rows", 2);
    await run.checkpoints.withLease("rows", async () => {
      const result = await ingest({ ...run, source: countingSource(3, 1), sink: memorySink(), dryRun: true });
      expect(result).toMatchObject({ processed: 1, cursor: 3 });
    });
  });
});

describe("what a run tells", () => {
  it("is when it starts, each batch with the sum so far and the lag, and how it ends", async () => {
    const clock = createManualClock(10_000);
    const told: unknown[] = [];
    const on = {
      started: (event: object) => told.push(event),
      batch: ({ processed, total, lagMs, pages }: IngestBatchEvent) =>
        told.push([pages, processed, total.processed, lagMs]),
      ended: ({ how, total }: { how: string; total: { processed: number } }) => told.push([how, total.processed]),
    };
    const sink = memorySink<Row>();
    await ingest({
      ...newRun(),
      clock,
      on,
      sink,
      timeOf: ({ n }) => n * 1000,
      source: pagesOf([row(3), row(1)], [], [row(4)]),
    });
    expect(told).toEqual([
      { key: "rows", resumed: false },
      [1, 2, 2, 7000],
      [1, 0, 2, undefined],
      [1, 1, 3, 6000],
      ["done", 3],
    ]);
  });

  it("is the error, too, of one that fails", async () => {
    const ended = vi.fn();
    const error = new Error("no");
    const sink = async (): Promise<void> => {
      throw error;
    };
    await ingest({ ...newRun(), source: countingSource(1, 1), sink, on: { ended } }).catch(() => {});
    expect(ended).toHaveBeenCalledWith(expect.objectContaining({ how: "failed", error }));
  });
});
