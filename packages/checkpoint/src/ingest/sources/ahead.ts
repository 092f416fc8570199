// Records from the future. One that is dated to the year 3000 would hide all that come before then, if a cursor followed it.

import type { SourceCall } from "../contract.ts";
import { compareValues } from "./order.ts";

export interface LatestOption {
  /**
   * Where ids hold a time: the greatest that one can have by now, such as `() => String(BigInt(Date.now() - EPOCH) << 22n)`. Greater ones, which would
   * hide all that come before them, do not move the cursor; the run tells of the first (`cursor-in-future`). They come again in each run, so the
   * sink has to have a key. A cursor that was saved beyond it begins there. Default: none are too great.
   */
  readonly latest?: (() => string) | undefined;
}

/** Whether a cursor must not go to a value. Tells of the first such one. */
export function aheadOf(isAhead: (value: string) => boolean, { tell }: SourceCall): (value: string) => boolean {
  let isTold = false;
  return (value) => {
    const ahead = isAhead(value);
    if (ahead && !isTold) tell({ kind: "cursor-in-future", value });
    isTold ||= ahead;
    return ahead;
  };
}

export function beyond({ latest }: LatestOption): (value: string) => boolean {
  return latest === undefined ? () => false : (value) => compareValues(value, latest()) > 0;
}
