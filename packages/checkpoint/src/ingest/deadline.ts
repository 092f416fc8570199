// A deadline that finishes the page at hand, as `stop` does.

import { type Clock, type Duration, parseDuration } from "@holdfast/core";

export interface Deadline {
  /** Aborts when the caller's own does, or when the time is over. */
  readonly stop: AbortSignal | undefined;
  /** Leaves no timer. */
  end(): void;
}

export function startDeadline(stop: AbortSignal | undefined, time: Duration | undefined, clock: Clock): Deadline {
  if (time === undefined) return { stop, end() {} };
  const over = new AbortController();
  const end = clock.schedule(() => over.abort(), parseDuration(time));
  return { stop: stop ? AbortSignal.any([stop, over.signal]) : over.signal, end };
}
