// APIs that give with each page the token of the next.

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { bodyOf, type HttpSourceOptions, recordsOf } from "./http.ts";
import { laterOf } from "./order.ts";

export interface TokenCursor {
  /** Of the page to get next; null: the first. */
  readonly token: string | null;
  /** The greatest position of all passes that came to their end: where the next one begins. */
  readonly since: string | null;
  /** The greatest position of the pass under way. */
  readonly highest: string | null;
}

export interface TokenSourceOptions extends HttpSourceOptions {
  readonly url: (at: { readonly token: string | null; readonly since: string | null }) => string;
  /** The token of the page after this one; nothing where it is the last. */
  readonly next: (body: unknown) => string | null | undefined;
  /**
   * For tokens that end or expire: a record's id or time, by which the API can be asked again. Where not given, tokens are taken to be good for ever, and
   * the last page is read again by the next run, for what came to it.
   */
  readonly position?: ((record: unknown) => string) | undefined;
}

/** What APIs answer to a token that they know no more. */
const EXPIRED = new Set([400, 404, 410, 422]);

/** A page without records is not the end; a page without a next token is. */
export function tokenSource({ get, url, next, position, records }: TokenSourceOptions): Source<TokenCursor> {
  return {
    async *pages(cursor = { token: null, since: null, highest: null }, { signal }) {
      let { token, since, highest } = cursor;
      // Only what was saved may have grown old.
      let mayBeExpired = token !== null && position !== undefined;
      for (;;) {
        const address = url({ token, since });
        const response = await get(address, { signal });
        if (mayBeExpired && EXPIRED.has(response.status)) {
          // From the last position that all before are known of. What this pass has had already comes again.
          token = null;
          mayBeExpired = false;
          continue;
        }
        mayBeExpired = false;
        const body = await bodyOf(address, response);
        const found = recordsOf(address, body, records);
        if (position) for (const record of found) highest = laterOf(highest, position(record));
        const following = next(body) ?? null;
        if (following !== null && following === token) {
          throw new CheckpointError("SOURCE_FAILED", "A page named itself as the next one");
        }
        if (following !== null) {
          token = following;
          yield { records: found, cursor: { token, since, highest } };
          continue;
        }
        const done: TokenCursor = position
          ? { token: null, since: highest ?? since, highest: null }
          : { token, since, highest };
        yield { records: found, cursor: done };
        return;
      }
    },
  };
}
