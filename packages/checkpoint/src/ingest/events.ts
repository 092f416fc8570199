// What runs tell: to hooks of their own, and to diagnostics channels that anyone in the process may listen to.

import { createEvents, type Events, type Hooks } from "@holdfast/core/events";
import type { SourceNotice } from "./contract.ts";

/** Each record that was fetched is one of four. */
export interface Counts {
  /** Written; in a dry run, what would have been. */
  readonly processed: number;
  /** Refused by the schema. */
  readonly failed: number;
  /** Seen before, by its id. */
  readonly duplicate: number;
  /** Not wanted: `keep` said so. */
  readonly skipped: number;
}

export interface IngestStartedEvent {
  readonly key: string;
  /** Whether there was a checkpoint to go on from. */
  readonly resumed: boolean;
  /** When that was saved, in milliseconds since the epoch. */
  readonly savedAt: number | undefined;
}

/** A batch is written, and its cursor saved. */
export interface IngestBatchEvent extends Counts {
  readonly key: string;
  readonly pages: number;
  /** From the arrival of its last page to the end of its save. */
  readonly durationMs: number;
  /** How old the newest record of the batch is; undefined without `timeOf`, or without records. */
  readonly lagMs: number | undefined;
  /** How many records are still to come, as its last page said; undefined where the source does not know. */
  readonly remaining: number | undefined;
  /** When the cursor was saved, in milliseconds since the epoch; undefined in a dry run. */
  readonly savedAt: number | undefined;
  /** Of this run so far, this batch included. */
  readonly total: Counts;
}

/** What the source tells of. */
export type IngestNoticeEvent = SourceNotice & { readonly key: string };

export interface IngestEndedEvent {
  readonly key: string;
  readonly how: "done" | "stopped" | "failed";
  readonly error: unknown;
  readonly durationMs: number;
  readonly total: Counts;
}

/** By name, what each hook and each channel tells. */
export interface IngestEvents {
  readonly started: IngestStartedEvent;
  readonly batch: IngestBatchEvent;
  readonly notice: IngestNoticeEvent;
  readonly ended: IngestEndedEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the run. */
export type IngestHooks = Hooks<IngestEvents>;

/** `node:diagnostics_channel`s of runs, one for each hook. */
export const INGEST_CHANNELS = {
  started: "holdfast:checkpoint:ingest:started",
  batch: "holdfast:checkpoint:ingest:batch",
  notice: "holdfast:checkpoint:ingest:notice",
  ended: "holdfast:checkpoint:ingest:ended",
} as const;

const events: Events<IngestEvents> = createEvents<IngestEvents>(INGEST_CHANNELS);
export const tell: Events<IngestEvents>["tell"] = events.tell;

/** Hooks that tell all of those given, one after another: metrics, a health check and a terminal may listen to one run. */
export function joinHooks(...all: readonly IngestHooks[]): Required<IngestHooks> {
  const toAll =
    <Name extends keyof IngestEvents>(name: Name) =>
    (event: IngestEvents[Name]): void => {
      for (const hooks of all) hooks[name]?.(event);
    };
  return { started: toAll("started"), batch: toAll("batch"), notice: toAll("notice"), ended: toAll("ended") };
}
