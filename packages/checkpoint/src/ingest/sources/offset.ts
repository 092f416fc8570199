// APIs that only count: so many records on from so many.

import type { Source } from "../contract.ts";
import { ask, type HttpSourceOptions } from "./http.ts";

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
 * Each pass reads all from the beginning, since a count says nothing once records come and go; what is interrupted goes on one page earlier. The
 * sink has to have a key. A record that moves up by more than a page while a pass runs is for the next pass.
 */
export function offsetSource(options: OffsetSourceOptions): Source<OffsetCursor> {
  const { url, limit, more } = options;
  return {
    rereads: true,
    async *pages(cursor = { offset: 0 }, call) {
      for (let offset = Math.max(0, cursor.offset - limit); ; offset += limit) {
        const { body, records, remaining } = await ask(url({ offset, limit }), options, call);
        const isLast = more ? !more(body) : records.length === 0;
        yield { records, cursor: { offset: isLast ? 0 : offset + limit }, remaining };
        if (isLast) return;
      }
    },
  };
}
