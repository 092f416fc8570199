// APIs that give records in the order of a value that several may share, such as the time of their last change.

import { type Clock, type Duration, parseDuration, systemClock } from "@holdfast/core";
import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { aheadOf } from "./ahead.ts";
import { ask, type HttpSourceOptions } from "./http.ts";
import { compareValues } from "./order.ts";

export interface AscendingCursor {
  /** The greatest value that was had; null before the first. */
  readonly value: string | null;
  /** Ids of the records that have just this value, and only of those. */
  readonly ids: readonly string[];
}

export interface TimeValues {
  readonly parse: (value: string) => number;
  readonly format: (epochMs: number) => string;
  /** Records that are ahead of our clock by more do not move the cursor, and the run tells of the first. Default 0. */
  readonly skew?: Duration | undefined;
  /** How long after its time a record may still turn up: each run begins so much before the cursor. Default 0. */
  readonly overlap?: Duration | undefined;
  readonly clock?: Clock | undefined;
}

export interface AscendingSourceOptions extends HttpSourceOptions {
  /** What has this value or a greater one, the smallest first; up to `until`, where that is given. */
  readonly url: (from: string | null, until: string | undefined) => string;
  /** As the API has it: a text that is cut to less would skip what lies between. */
  readonly value: (record: unknown) => string;
  readonly id: (record: unknown) => string;
  /** Where values are times. What overlaps, or is ahead of our clock, comes again in the next run, so the sink has to have a key. */
  readonly time?: TimeValues | undefined;
  /** How many records a full page has: one that is full of what was had can't be passed, and is an error. */
  readonly pageSize: number;
  /** Whether more follows a page. Default: it does if the page has records that are new. */
  readonly more?: ((body: unknown) => boolean) | undefined;
  /**
   * Asked once, when a run begins: what has a greater value is for a later one, such as what is younger than a minute. Default: none, and a run goes on
   * for as long as records come.
   */
  readonly until?: (() => string) | undefined;
}

/** Each page is asked for from the last value on, that value included, and what was had of it is left out. */
export function ascendingSource(options: AscendingSourceOptions): Source<AscendingCursor> {
  const { url, value, id, time, pageSize, more } = options;
  return {
    rereads: time !== undefined,
    async *pages(cursor = NOTHING, call) {
      const until = options.until?.();
      const isAhead = aheadOf(time === undefined ? () => false : inFuture(time), call);
      let highest = time !== undefined && cursor.value !== null && isAhead(cursor.value) ? now(time) : cursor;
      // Of reading, which begins earlier where late arrivals are looked for.
      let border = time === undefined ? highest : earlier(highest, time);
      for (;;) {
        const { body, records, remaining } = await ask(url(border.value, until), options, call);
        const found =
          until === undefined ? records : records.filter((record) => compareValues(value(record), until) <= 0);
        const had = new Set(border.ids);
        const fresh = found.filter((record) => value(record) !== border.value || !had.has(id(record)));
        if (fresh.length === 0 && found.length >= pageSize) {
          throw new CheckpointError(
            "SOURCE_FAILED",
            `A whole page holds nothing but records of one value that were had; ask for more than ${pageSize} at once`,
          );
        }
        for (const record of fresh) {
          border = moved(border, value(record), id(record));
          if (!isAhead(value(record))) highest = moved(highest, value(record), id(record));
        }
        yield { records: fresh, cursor: highest, remaining };
        if (found.length < records.length) return;
        if (more ? !more(body) : fresh.length === 0) return;
      }
    },
  };
}

const NOTHING: AscendingCursor = { value: null, ids: [] };

function moved(border: AscendingCursor, value: string, id: string): AscendingCursor {
  const order = border.value === null ? 1 : compareValues(value, border.value);
  if (order > 0) return { value, ids: [id] };
  return order === 0 && !border.ids.includes(id) ? { value, ids: [...border.ids, id] } : border;
}

function earlier(cursor: AscendingCursor, { parse, format, overlap = 0 }: TimeValues): AscendingCursor {
  const overlapMs = parseDuration(overlap);
  if (cursor.value === null || overlapMs === 0) return cursor;
  return { value: format(parse(cursor.value) - overlapMs), ids: [] };
}

function inFuture({ parse, skew = 0, clock = systemClock }: TimeValues): (value: string) => boolean {
  const skewMs = parseDuration(skew);
  return (value) => parse(value) > clock.now() + skewMs;
}

/** Where a run begins that was to begin in the future. */
function now({ format, skew = 0, clock = systemClock }: TimeValues): AscendingCursor {
  return { value: format(clock.now() - parseDuration(skew)), ids: [] };
}
