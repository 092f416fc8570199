// APIs that only count: so many records on from so many.

import type { Source } from "../contract.ts";
import { bodyOf, type HttpSourceOptions, recordsOf } from "./http.ts";

export interface OffsetCursor {
  /** How many records of this pass are had. */
  readonly offset: number;
}

export interface OffsetSourceOptions extends HttpSourceOptions {
  readonly url: (at: { readonly offset: number; readonly limit: number }) => string;
  readonly limit: number;
  /** Whether more follows a page, for APIs that filter pages after they cut them. Default: it does if the page has any records. */
  readonly more?: ((body: unknown) => boolean) | undefined;
}

/**
 * Each pass reads all from the beginning, since a count says nothing once records come and go; what is interrupted goes on one page earlier. Give `id` to
 * `ingest` too, or a sink with a key. A record that moves up by more than a page while a pass runs is for the next pass.
 */
export function offsetSource({ get, url, limit, more, records }: OffsetSourceOptions): Source<OffsetCursor> {
  return {
    async *pages(cursor = { offset: 0 }, { signal }) {
      for (let offset = Math.max(0, cursor.offset - limit); ; offset += limit) {
        const address = url({ offset, limit });
        const body = await bodyOf(address, await get(address, { signal }));
        const found = recordsOf(address, body, records);
        const isLast = more ? !more(body) : found.length === 0;
        yield { records: found, cursor: { offset: isLast ? 0 : offset + limit } };
        if (isLast) return;
      }
    },
  };
}
