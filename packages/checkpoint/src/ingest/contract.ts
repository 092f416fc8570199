// What the runner asks of those who give pages and those who take records.

import type { CheckpointStore } from "../checkpoint-store.ts";
import type { Lease } from "../lease.ts";

export interface Page<Cursor> {
  /** As the source has them, unchecked. A page without any is not the end, and its cursor is saved all the same. */
  readonly records: readonly unknown[];
  /** Where to go on once these records are written: what the next run is given, if this is the last page that was. */
  readonly cursor: Cursor;
  /** How many records are still to come after it, where the source knows. */
  readonly remaining?: number | undefined;
}

/** What a source tells of while it goes on. */
export type SourceNotice =
  /** It was refused with 429, and waited so long before it asked again; 0 where it did not. */
  | { readonly kind: "rate-limited"; readonly waitMs: number }
  /** A cursor lies ahead of the clock, and was taken for one of now: else it would hide all that comes before it. */
  | { readonly kind: "cursor-in-future"; readonly value: string }
  /** The API knows the saved token no more. The source goes on from the last position that it is sure of. */
  | { readonly kind: "token-expired" };

export interface SourceCall {
  /** Aborts when no further page is wanted: the run is aborted, has failed, lost its lease, or was stopped while it waited. */
  readonly signal: AbortSignal;
  /** Tells the run's hooks. */
  tell(notice: SourceNotice): void;
}

/**
 * Gives pages from a cursor on; from the beginning where there is none. The end of the pages is the end of the run. The next page is asked
 * for when the one before is written, or while it is with `prefetch`: either way a slow sink slows the source down. What it throws ends the
 * run, and the run rejects with it.
 */
export interface Source<Cursor> {
  /** Whether a run may give again what an earlier one has written. Such a source needs a sink that does not append. */
  readonly rereads?: boolean | undefined;
  pages(cursor: Cursor | undefined, call: SourceCall): AsyncIterable<Page<Cursor>>;
}

export interface WriteCall {
  /** Of the stream. */
  readonly key: string;
  readonly lease: Lease;
  /** Aborts when the run is aborted, or its lease is lost: what is not yet written need not be. */
  readonly signal: AbortSignal;
  /**
   * Saves the cursor in the sink's own transaction, as the last thing before it commits. Rejects where the lease is another's by now: then the
   * sink rolls back and rejects. A sink that does not call it leaves the saving to the runner, after the write. Of dead letters: does nothing.
   */
  save(within: CheckpointStore): Promise<void>;
}

/**
 * Takes records, and resolves when a crash can no longer lose them. It is called for one batch at a time, never with none. After a crash it may be
 * given the same ones again, unless it saved in its own transaction: writing twice has to be as good as once.
 */
export type Write<Row> = (rows: readonly Row[], call: WriteCall) => Promise<void>;

export interface Sink<Row> {
  /** Whether rows that come again stand there twice. Default: they do not, as `Write` has it. */
  readonly appends?: boolean | undefined;
  readonly write: Write<Row>;
}

/** A record that the schema refuses. */
export interface DeadLetter {
  /** Of the stream. */
  readonly key: string;
  /** What the schema says, with the path in the record. */
  readonly reason: string;
  /** As the source had it. */
  readonly record: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
