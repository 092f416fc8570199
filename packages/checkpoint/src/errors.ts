// What this package throws.

import { HoldfastError } from "@holdfast/core";

/**
 * - `INVALID_OPTION`: an option that can't be used as given
 * - `INVALID_KEY`: a key that is empty, longer than 1024 bytes of UTF-8, or not well-formed
 * - `INVALID_VALUE`: a value that its schema refuses, on its way in or out
 * - `TOO_LARGE`: a value above `maxBytes`
 * - `CONFLICT`: somebody saved meanwhile; `current` is the version that stands
 * - `STALE_LEASE`: the lease that the save was made under has been granted to another since
 * - `LEASE_LOST`: the reason of a lease's signal
 * - `LEASE_HELD`: another holds the lease, and `wait` was not asked for or is over
 * - `WENT_BACK`: a monotonic value would have gone back without `rewind`
 * - `CORRUPT`: what is stored is torn, empty or changed, and there is no earlier good version
 * - `NEWER_VERSION`: it was saved by a later version of the application's schema or of this package
 * - `MIGRATION_FAILED`: no migration leads from the stored schema version to the present one, or one of them threw
 * - `NOT_AUTHENTIC`: it does not open under the keys that are given
 * - `NOT_FOUND`: there is no such version to roll back to
 * - `BUSY`: the store could not be had in time
 * - `STORE_UNFIT`: the store was probed and does not keep the promise that it would have to
 * - `STORE_FAILED`: reading or writing failed; `cause` says how. What was there is there still
 * - `TOO_MANY_FAILED`: an ingestion run met more bad records than it was told to tolerate; it stopped before their page
 * - `SOURCE_FAILED`: a source answered with what is no page, or not at all
 * - `SINK_FAILED`: a sink could not write; `cause` says how. The cursor stands where it stood
 * - `CLOSED`: the store or the checkpoint has been closed
 */
export type CheckpointErrorCode =
  | "INVALID_OPTION"
  | "INVALID_KEY"
  | "INVALID_VALUE"
  | "TOO_LARGE"
  | "CONFLICT"
  | "STALE_LEASE"
  | "LEASE_LOST"
  | "LEASE_HELD"
  | "WENT_BACK"
  | "CORRUPT"
  | "NEWER_VERSION"
  | "MIGRATION_FAILED"
  | "NOT_AUTHENTIC"
  | "NOT_FOUND"
  | "BUSY"
  | "STORE_UNFIT"
  | "STORE_FAILED"
  | "TOO_MANY_FAILED"
  | "SOURCE_FAILED"
  | "SINK_FAILED"
  | "CLOSED";

interface CheckpointErrorDetails {
  readonly cause?: unknown;
  readonly currentVersion?: number | undefined;
}

export class CheckpointError extends HoldfastError<CheckpointErrorCode> {
  static {
    CheckpointError.prototype.name = "CheckpointError";
  }

  /** Of `CONFLICT` and `STALE_LEASE`: the version that stands. */
  readonly currentVersion: number | undefined;

  constructor(code: CheckpointErrorCode, message: string, details: CheckpointErrorDetails = {}) {
    super(code, message, "cause" in details ? { cause: details.cause } : undefined);
    this.currentVersion = details.currentVersion;
  }
}
