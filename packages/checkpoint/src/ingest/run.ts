// The runner: pages from a source, checked record by record, written batch by batch, and the cursor saved only with or after what it stands for.

import { type Clock, type Duration, type StandardSchemaV1, systemClock, unlessAborted } from "@holdfast/core";
import type { Checkpoints } from "../checkpoints.ts";
import { CheckpointError } from "../errors.ts";
import type { Lease } from "../lease.ts";
import { shown } from "../stored-value.ts";
import type { DeadLetter, Sink, Source, Write } from "./contract.ts";
import { startDeadline } from "./deadline.ts";
import { type Counts, type IngestHooks, tell } from "./events.ts";
import { createIdWindow, MOST_IDS } from "./id-window.ts";
import { withOwnLease } from "./own-lease.ts";
import { pagesOf } from "./pages.ts";
import { nothingSifted, type SieveOptions, type Sifted, sift } from "./sieve.ts";
import { type Tolerance, toleranceOf } from "./tolerance.ts";
import { whole } from "./whole.ts";

export interface IngestOptions<Row, Cursor> {
  /** Of the stream: its checkpoint stands under it, and one runner at a time has its lease. */
  readonly key: string;
  readonly checkpoints: Checkpoints<Cursor>;
  readonly source: Source<Cursor>;
  /** Makes a row of a record, or refuses it: zod, valibot, arktype, or any other Standard Schema. */
  readonly schema: StandardSchemaV1<unknown, Row>;
  /** Where rows go: one of ours, or a function. */
  readonly sink: Sink<Row> | Write<Row>;
  /** Where records go that the schema refuses, before the rows of their page are written. After a crash, the same may come twice. */
  readonly deadLetters?: Sink<DeadLetter> | Write<DeadLetter> | undefined;
  /** How many bad records a run may meet. Default: half of all, asked from 100 on; without `deadLetters`, none. */
  readonly tolerate?: Tolerance | undefined;
  /** Rows that it says false to are left out. */
  readonly keep?: ((row: Row) => boolean) | undefined;
  /** By what a row is known. Where given, later rows of one id are left out as duplicates: put a version in it if rows change. */
  readonly id?: ((row: Row) => string) | undefined;
  /** Among how many ids a duplicate is looked for, at 16 bytes each; at least as many as a page has. Default 100,000. */
  readonly window?: number | undefined;
  /** When a row came to be, to tell the lag. */
  readonly timeOf?: ((row: Row) => Date | number) | undefined;
  /** How many pages are written at once, with one save. Default 1. */
  readonly pagesPerBatch?: number | undefined;
  /** Fetches the next page, and no more, while the one before is checked and written. Default false. */
  readonly prefetch?: boolean | undefined;
  /** Fetches and checks, and writes nothing: neither rows, nor dead letters, nor the checkpoint. Takes no lease. */
  readonly dryRun?: boolean | undefined;
  /** Ends the run at once. What was under way may still be written, but its cursor is not saved after. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the run once the page at hand is written and saved. */
  readonly stop?: AbortSignal | undefined;
  /** Stops it, in the same way, when it has taken so long, the wait for its lease included. Default: none. */
  readonly deadline?: Duration | undefined;
  /** As `withLease` has them. */
  readonly lease?: { readonly ttl?: Duration | undefined; readonly wait?: Duration | undefined } | undefined;
  readonly on?: IngestHooks | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface IngestResult<Cursor> extends Counts {
  /** `stopped`: there may be more. */
  readonly how: "done" | "stopped";
  readonly pages: number;
  /**
   * Where the next run goes on; of a dry run: where it would. Undefined where there was neither a checkpoint nor a page, or the run was stopped before it
   * had its lease.
   */
  readonly cursor: Cursor | undefined;
}

/**
 * Runs a stream until its source ends. Each page's cursor is saved after its rows are written, or in one transaction with them, so that after a
 * crash at any moment nothing is lost; where the sink saves in its transaction, nothing is doubled either.
 *
 * @example
 * const store = postgresStore({ client: pool });
 * await ingest({
 *   key: "orders",
 *   checkpoints: createCheckpoints<LinkCursor>({ store }),
 *   source: linkSource({ get: (url, call) => api.get(url, call), url: "https://api.example.com/orders" }),
 *   schema: z.object({ id: z.string(), total: z.number() }),
 *   sink: postgresSink({ pool, store, table: "orders", columns: { id: "text", total: "numeric" }, key: ["id"] }),
 * });
 *
 * @throws CheckpointError `LEASE_HELD`, `LEASE_LOST`, `TOO_MANY_FAILED`, `SOURCE_FAILED`, `SINK_FAILED`, `INVALID_OPTION`, and what loading and saving throw; what source and
 * sink throw; the signal's reason
 */
export async function ingest<Row, Cursor>(options: IngestOptions<Row, Cursor>): Promise<IngestResult<Cursor>> {
  const { key, on = {}, clock = systemClock } = options;
  const total = { processed: 0, failed: 0, duplicate: 0, skipped: 0 };
  const startedAt = clock.monotonic();
  const { stop, end } = startDeadline(options.stop, options.deadline, clock);
  const work = async (held?: Lease): Promise<IngestResult<Cursor>> =>
    await run({ ...options, stop }, clock, held, total);
  try {
    refuseToDouble(options);
    const result = options.dryRun ? await work() : await withOwnLease({ ...options, stop }, work);
    const { how } = result ?? NOT_BEGUN;
    tell(on, "ended", () => ended(how, undefined));
    return result ?? { ...NOT_BEGUN, ...total };
  } catch (error) {
    tell(on, "ended", () => ended("failed", error));
    throw error;
  } finally {
    end();
  }

  function ended(how: "done" | "stopped" | "failed", error: unknown) {
    return { key, how, error, durationMs: clock.monotonic() - startedAt, total: { ...total } };
  }
}

const NOT_BEGUN = { how: "stopped", pages: 0, cursor: undefined } as const;

function refuseToDouble<Row, Cursor>({ key, source, sink }: IngestOptions<Row, Cursor>): void {
  if (!source.rereads || typeof sink === "function" || !sink.appends) return;
  throw new CheckpointError(
    "INVALID_OPTION",
    `The source of ${shown(key)} reads some records again in the next run, and the sink would append them; give the sink a key or an id`,
  );
}

type Totals = { -readonly [Name in keyof Counts]: number };

async function run<Row, Cursor>(
  options: IngestOptions<Row, Cursor>,
  clock: Clock,
  lease: Lease | undefined,
  total: Totals,
): Promise<IngestResult<Cursor>> {
  const { key, checkpoints, source, stop, on = {}, deadLetters, keep, id, timeOf, schema } = options;
  const signal = lease?.signal ?? options.signal ?? new AbortController().signal;
  const pagesPerBatch = whole("pagesPerBatch", options.pagesPerBatch ?? 1, 1_000_000);
  const size = whole("window", options.window ?? 100_000, MOST_IDS);
  const window = createIdWindow(id === undefined ? 1 : size);
  const sieve: SieveOptions<Row> = { key, schema, keep, id, window, timeOf, now: () => clock.now() };
  const tolerance = toleranceOf(options.tolerate, deadLetters !== undefined);
  const loaded = await checkpoints.load(key, { signal });
  let cursor = loaded?.value;
  let pages = 0;
  let batch = newBatch<Row>();
  let remaining: number | undefined;
  tell(on, "started", () => ({ key, resumed: loaded !== undefined, savedAt: loaded?.savedAt.getTime() }));

  /** Dead letters, then rows, then the cursor: whatever is lost in a crash is read again. */
  async function flush(): Promise<void> {
    const { rows, letters, duplicate, skipped, newest } = batch;
    if (lease !== undefined) {
      const to = cursor as Cursor;
      if (letters.length > 0 && deadLetters) await write(deadLetters, letters, lease, async () => {});
      let isSaved = false;
      if (rows.length > 0)
        await write(options.sink, rows, lease, async (within) => {
          signal.throwIfAborted();
          await checkpoints.save(key, to, { lease, within, signal });
          isSaved = true;
        });
      signal.throwIfAborted();
      if (!isSaved) await checkpoints.save(key, to, { lease, signal });
    }
    const counts = { processed: rows.length, failed: letters.length, duplicate, skipped };
    for (const name of Object.keys(counts) as (keyof Counts)[]) total[name] += counts[name];
    const { pages: written, since } = batch;
    tell(on, "batch", () => ({
      key,
      ...counts,
      pages: written,
      durationMs: clock.monotonic() - since,
      lagMs: Number.isFinite(newest) ? clock.now() - newest : undefined,
      remaining,
      savedAt: lease && clock.now(),
      total: { ...total },
    }));
    batch = newBatch<Row>();
  }

  async function write<T>(
    sink: Sink<T> | Write<T>,
    rows: readonly T[],
    held: Lease,
    save: Parameters<Write<T>>[1]["save"],
  ) {
    const call = { key, lease: held, signal, save };
    await unlessAborted(typeof sink === "function" ? sink(rows, call) : sink.write(rows, call), signal);
  }

  const open = (given: AbortSignal) =>
    source.pages(cursor, { signal: given, tell: (notice) => tell(on, "notice", () => ({ ...notice, key })) });
  for await (const page of pagesOf({ open, prefetch: options.prefetch ?? false, stop, signal })) {
    batch.since = clock.monotonic();
    if (!Array.isArray(page?.records)) {
      throw new CheckpointError("SOURCE_FAILED", `The source of ${shown(key)} gave a page without an array of records`);
    }
    const sifted = await sift(page.records, sieve);
    signal.throwIfAborted();
    const refusal = tolerance.refusal(key, page.records.length, sifted.letters);
    if (refusal !== undefined) {
      if (batch.pages > 0) await flush();
      throw refusal;
    }
    add(batch, sifted);
    cursor = page.cursor;
    remaining = page.remaining;
    pages++;
    if (batch.pages === pagesPerBatch) await flush();
  }
  // A run that found nothing says so all the same: the checkpoint is as young as the last look.
  if (batch.pages > 0 || (pages === 0 && loaded !== undefined)) await flush();
  return { how: stop?.aborted ? "stopped" : "done", pages, cursor, ...total };
}

type Batch<Row> = Sifted<Row> & { pages: number; since: number };

function newBatch<Row>(): Batch<Row> {
  return { ...nothingSifted<Row>(), pages: 0, since: 0 };
}

function add<Row>(batch: Batch<Row>, sifted: Sifted<Row>): void {
  for (const row of sifted.rows) batch.rows.push(row);
  for (const letter of sifted.letters) batch.letters.push(letter);
  batch.duplicate += sifted.duplicate;
  batch.skipped += sifted.skipped;
  batch.newest = Math.max(batch.newest, sifted.newest);
  batch.pages++;
}
