// Feeds that give the newest first, and can be asked for what came after one id and before another.

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { aheadOf, beyond, type LatestOption } from "./ahead.ts";
import { ask, type HttpSourceOptions } from "./http.ts";
import { compareValues, laterOf } from "./order.ts";

export interface SinceIdCursor {
  /** All up to here is had. */
  readonly since: string | null;
  /** The newest of the pass under way, which becomes `since` only once the pass has come down to it; null between passes. */
  readonly high: string | null;
  /** How far down the pass has come. */
  readonly low: string | null;
}

export interface SinceIdSourceOptions extends HttpSourceOptions, LatestOption {
  /** What is newer than `since` and older than `before`, the newest first. Whether the API counts the ends in does not matter. */
  readonly url: (at: { readonly since: string | null; readonly before: string | null }) => string;
  readonly id: (record: unknown) => string;
  /** For APIs that filter pages after they cut them: whether there is more behind this one. Default: there is if the page has new records. */
  readonly more?: ((body: unknown) => boolean) | undefined;
  /** For those, too: how far down a page went, where it shows no record that tells. */
  readonly reached?: ((body: unknown) => string | undefined) | undefined;
  /**
   * For APIs that show a record now and then after later ones: from `since`, the id that each pass reads down to. Where ids hold a time, half a minute
   * before: `(since) => String(BigInt(since) - (30_000n << 22n))`. What lies between comes again, so the sink has to have a key.
   */
  readonly overlap?: ((since: string) => string) | undefined;
}

/**
 * One run is one pass: what comes while it goes down is for the next. A run that goes on with a pass which was cut off makes another after it, for what came
 * in between.
 */
export function sinceIdSource(options: SinceIdSourceOptions): Source<SinceIdCursor> {
  const { url, id, more, reached, overlap, latest } = options;
  return {
    rereads: overlap !== undefined || latest !== undefined,
    async *pages(cursor = { since: null, high: null, low: null }, call) {
      let { since, high, low } = cursor;
      const isAhead = aheadOf(beyond(options), call);
      if (since !== null && latest !== undefined && isAhead(since)) since = latest();
      let bottom = bottomOf(since, overlap);
      let passes = high === null ? 1 : 2;
      for (;;) {
        const { body, records, remaining } = await ask(url({ since: bottom, before: low }), options, call);
        const fresh = records.filter((record) => isBetween(id(record), bottom, low));
        const before = low;
        for (const record of fresh) {
          low = earlierOf(low, id(record));
          if (!isAhead(id(record))) high = laterOf(high, id(record));
        }
        const down = reached?.(body);
        if (down !== undefined) low = earlierOf(low, down);
        if (more ? !more(body) : fresh.length === 0) {
          // What overlaps may be all there is.
          since = high === null ? since : laterOf(since, high);
          [high, low, bottom] = [null, null, bottomOf(since, overlap)];
          yield { records: fresh, cursor: { since, high, low }, remaining };
          if (--passes === 0) return;
          continue;
        }
        if (low === before) {
          throw new CheckpointError(
            "SOURCE_FAILED",
            "A page without new records says that there is more, and not from where; give reached",
          );
        }
        yield { records: fresh, cursor: { since, high, low }, remaining };
      }
    },
  };
}

function bottomOf(since: string | null, overlap: SinceIdSourceOptions["overlap"]): string | null {
  return since === null || overlap === undefined ? since : overlap(since);
}

function isBetween(id: string, since: string | null, before: string | null): boolean {
  return (since === null || compareValues(id, since) > 0) && (before === null || compareValues(id, before) < 0);
}

function earlierOf(a: string | null, b: string): string {
  return a === null || compareValues(b, a) < 0 ? b : a;
}
