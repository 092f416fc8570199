// APIs that give records in the order of a value that several may share, such as the time of their last change.

import { type Clock, type Duration, parseDuration, systemClock } from "@holdfast/core";
import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { bodyOf, type HttpSourceOptions, recordsOf } from "./http.ts";
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
  /** Records that are ahead of our clock by more do not move the cursor past it. Default 0. */
  readonly skew?: Duration | undefined;
  /** How long after its time a record may still turn up: each run begins so much before the cursor. Give `id` to `ingest` too, or a sink with a key. Default 0. */
  readonly overlap?: Duration | undefined;
  readonly clock?: Clock | undefined;
}

export interface AscendingSourceOptions extends HttpSourceOptions {
  /** What has this value or a greater one, the smallest first. */
  readonly url: (from: string | null) => string;
  /** As the API has it: a text that is cut to less would skip what lies between. */
  readonly value: (record: unknown) => string;
  readonly id: (record: unknown) => string;
  /** Where values are times. */
  readonly time?: TimeValues | undefined;
  /** How many records a full page has: one that is full of what was had can't be passed, and is an error. */
  readonly pageSize: number;
  /** Whether more follows a page. Default: it does if the page has records that are new. */
  readonly more?: ((body: unknown) => boolean) | undefined;
}

/** Each page is asked for from the last value on, that value included, and what was had of it is left out. */
export function ascendingSource(options: AscendingSourceOptions): Source<AscendingCursor> {
  const { get, url, value, id, time, pageSize, more, records } = options;
  return {
    async *pages(cursor = NOTHING, { signal }) {
      let highest = cursor;
      // Of reading, which begins earlier where late arrivals are looked for.
      let border = time === undefined ? cursor : earlier(cursor, time);
      for (;;) {
        const address = url(border.value);
        const body = await bodyOf(address, await get(address, { signal }));
        const found = recordsOf(address, body, records);
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
          highest = moved(highest, value(record), id(record));
        }
        yield { records: fresh, cursor: time === undefined ? highest : clamped(highest, time) };
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

/** One record from the year 3000 would hide all that come before it. */
function clamped(
  cursor: AscendingCursor,
  { parse, format, skew = 0, clock = systemClock }: TimeValues,
): AscendingCursor {
  const latest = clock.now() + parseDuration(skew);
  return cursor.value === null || parse(cursor.value) <= latest ? cursor : { value: format(latest), ids: [] };
}
