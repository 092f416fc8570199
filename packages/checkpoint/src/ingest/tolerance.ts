// How many bad records a run may meet before it stops.

import { CheckpointError } from "../errors.ts";
import { shown } from "../stored-value.ts";
import type { DeadLetter } from "./contract.ts";

export interface Tolerance {
  /** At most so many in a run. Default: any number. */
  readonly count?: number | undefined;
  /** At most this share of all records of a run so far, from 0 to 1. Default 1. */
  readonly share?: number | undefined;
  /** The share is not asked before so many records have come. Default 100. */
  readonly after?: number | undefined;
}

export interface Tolerated {
  /** Takes a page's records into account; an error if they are too bad. */
  refusal(key: string, records: number, letters: readonly DeadLetter[]): CheckpointError | undefined;
}

const DEFAULTS = { kept: { share: 0.5 }, lost: { count: 0 } } as const;

/** @throws CheckpointError `INVALID_OPTION` */
export function toleranceOf(given: Tolerance | undefined, areKept: boolean): Tolerated {
  const tolerance: Tolerance = given ?? (areKept ? DEFAULTS.kept : DEFAULTS.lost);
  const { count = Number.POSITIVE_INFINITY, share = 1, after = 100 } = tolerance;
  if (!(count >= 0 && share >= 0 && share <= 1 && after >= 0)) {
    throw new CheckpointError("INVALID_OPTION", "tolerate takes a count from 0, a share from 0 to 1, and after from 0");
  }
  let failed = 0;
  let all = 0;
  return {
    refusal(key, records, letters) {
      failed += letters.length;
      all += records;
      if (failed <= count && (all < after || failed <= share * all)) return undefined;
      return new CheckpointError(
        "TOO_MANY_FAILED",
        `${shown(key)} stopped before a page with bad records: ${failed} of ${all} in this run (${letters.at(-1)?.reason}); mend the schema, or tolerate more`,
      );
    },
  };
}
