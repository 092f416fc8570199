// What checkpoints tell: to hooks of their own, and to diagnostics channels that anyone in the process may listen to.

import { createEvents, type Events, type Hooks } from "@holdfast/core/events";

export interface SavedEvent {
  readonly key: string;
  readonly version: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** What stands can't be read, and an earlier good version was taken in its place. */
export interface RecoveredEvent {
  readonly key: string;
  readonly version: number | undefined;
  readonly because: string;
}

export interface ConflictEvent {
  readonly key: string;
  readonly code: "CONFLICT" | "STALE_LEASE" | "WENT_BACK";
  readonly currentVersion: number | undefined;
}

export interface LeaseEvent {
  readonly key: string;
  readonly change: "granted" | "lost" | "released";
  readonly fence: number;
  readonly holder: string;
}

/** By name, what each hook and each channel tells. */
export interface CheckpointEvents {
  readonly saved: SavedEvent;
  readonly recovered: RecoveredEvent;
  readonly conflict: ConflictEvent;
  readonly lease: LeaseEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. */
export type CheckpointHooks = Hooks<CheckpointEvents>;

/** `node:diagnostics_channel`s of this package, one for each hook. With no subscriber, an event is not even made. */
export const CHANNELS = {
  saved: "holdfast:checkpoint:saved",
  recovered: "holdfast:checkpoint:recovered",
  conflict: "holdfast:checkpoint:conflict",
  lease: "holdfast:checkpoint:lease",
} as const;

const events: Events<CheckpointEvents> = createEvents<CheckpointEvents>(CHANNELS);
export const tell: Events<CheckpointEvents>["tell"] = events.tell;
