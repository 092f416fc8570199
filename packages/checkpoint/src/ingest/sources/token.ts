// APIs that give with each page the token of the next.

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { aheadOf, beyond, type LatestOption } from "./ahead.ts";
import { answerOf, type HttpSourceOptions, responseOf } from "./http.ts";
import { laterOf } from "./order.ts";

export interface TokenCursor {
  /** Of the page to get next; null: the first. */
  readonly token: string | null;
  /** The greatest position of all passes that came to their end: where the next one begins. */
  readonly since: string | null;
  /** The greatest position of the pass under way. */
  readonly highest: string | null;
}

export interface TokenSourceOptions extends HttpSourceOptions, LatestOption {
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
export function tokenSource(options: TokenSourceOptions): Source<TokenCursor> {
  const { url, next, position, latest } = options;
  return {
    rereads: true,
    async *pages(cursor = { token: null, since: null, highest: null }, call) {
      let { token, since, highest } = cursor;
      const isAhead = aheadOf(beyond(options), call);
      if (since !== null && latest !== undefined && isAhead(since)) since = latest();
      // Only what was saved may have grown old.
      let mayBeExpired = token !== null && position !== undefined;
      for (;;) {
        const address = url({ token, since });
        const response = await responseOf(address, options, call, mayBeExpired ? EXPIRED : undefined);
        if (mayBeExpired && EXPIRED.has(response.status)) {
          call.tell({ kind: "token-expired" });
          // From the last position that all before are known of. What this pass has had already comes again.
          token = null;
          mayBeExpired = false;
          continue;
        }
        mayBeExpired = false;
        const { body, records, remaining } = await answerOf(address, response, options);
        for (const at of position ? records.map(position) : []) if (!isAhead(at)) highest = laterOf(highest, at);
        const following = next(body) ?? null;
        if (following !== null && following === token) {
          throw new CheckpointError("SOURCE_FAILED", "A page named itself as the next one");
        }
        if (following !== null) {
          token = following;
          yield { records, cursor: { token, since, highest }, remaining };
          continue;
        }
        const done: TokenCursor = position
          ? { token: null, since: highest ?? since, highest: null }
          : { token, since, highest };
        yield { records, cursor: done, remaining };
        return;
      }
    },
  };
}
