// Feeds that give the newest first, and can be asked for what came after one id and before another.

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { bodyOf, type HttpSourceOptions, recordsOf } from "./http.ts";
import { compareValues, laterOf } from "./order.ts";

export interface SinceIdCursor {
  /** All up to here is had. */
  readonly since: string | null;
  /** The newest of the pass under way, which becomes `since` only once the pass has come down to it; null between passes. */
  readonly high: string | null;
  /** How far down the pass has come. */
  readonly low: string | null;
}

export interface SinceIdSourceOptions extends HttpSourceOptions {
  /** What is newer than `since` and older than `before`, the newest first. Whether the API counts the ends in does not matter. */
  readonly url: (at: { readonly since: string | null; readonly before: string | null }) => string;
  readonly id: (record: unknown) => string;
  /** For APIs that filter pages after they cut them: whether there is more behind this one. Default: there is if the page has new records. */
  readonly more?: ((body: unknown) => boolean) | undefined;
  /** For those, too: how far down a page went, where it shows no record that tells. */
  readonly reached?: ((body: unknown) => string | undefined) | undefined;
}

/** One run is one pass: what comes while it goes down is for the next. */
export function sinceIdSource(options: SinceIdSourceOptions): Source<SinceIdCursor> {
  const { get, url, id, more, reached, records } = options;
  return {
    async *pages(cursor = { since: null, high: null, low: null }, { signal }) {
      let { since, high, low } = cursor;
      for (;;) {
        const address = url({ since, before: low });
        const body = await bodyOf(address, await get(address, { signal }));
        const fresh = recordsOf(address, body, records).filter((record) => isBetween(id(record), since, low));
        const before = low;
        for (const record of fresh) {
          high = laterOf(high, id(record));
          low = earlierOf(low, id(record));
        }
        const down = reached?.(body);
        if (down !== undefined) low = earlierOf(low, down);
        if (more ? !more(body) : fresh.length === 0) {
          yield { records: fresh, cursor: { since: high ?? since, high: null, low: null } };
          return;
        }
        if (low === before) {
          throw new CheckpointError(
            "SOURCE_FAILED",
            "A page without new records says that there is more, and not from where; give reached",
          );
        }
        yield { records: fresh, cursor: { since, high, low } };
      }
    },
  };
}

function isBetween(id: string, since: string | null, before: string | null): boolean {
  return (since === null || compareValues(id, since) > 0) && (before === null || compareValues(id, before) < 0);
}

function earlierOf(a: string | null, b: string): string {
  return a === null || compareValues(b, a) < 0 ? b : a;
}
