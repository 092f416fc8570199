// APIs that name the next page in a Link header (RFC 8288).

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { bodyOf, type HttpSourceOptions, recordsOf } from "./http.ts";

export interface LinkCursor {
  /** Of the page to get next; after the last, that one again, for what came to it. */
  readonly url: string;
}

export interface LinkSourceOptions extends HttpSourceOptions {
  /** Of the first page. */
  readonly url: string;
}

/** Follows `rel="next"` within the origin of the first page: no header may lead a client with its credentials elsewhere. */
export function linkSource({ get, url: first, records }: LinkSourceOptions): Source<LinkCursor> {
  const { origin } = new URL(first);
  return {
    async *pages(cursor = { url: first }, { signal }) {
      for (let url = cursor.url; ; ) {
        const response = await get(url, { signal });
        const found = recordsOf(url, await bodyOf(url, response), records);
        const link = nextLink(response.headers.get("link") ?? "");
        const next = link === undefined ? undefined : new URL(link, url);
        if (next !== undefined && (next.origin !== origin || next.href === url)) {
          throw new CheckpointError(
            "SOURCE_FAILED",
            `A page names ${next.origin} for the next one, or itself; it stays at ${origin}`,
          );
        }
        yield { records: found, cursor: { url: next?.href ?? url } };
        if (next === undefined) return;
        url = next.href;
      }
    },
  };
}

/** The target of the first link whose relations include `next`. Commas and semicolons may stand in targets and in quotes. */
function nextLink(header: string): string | undefined {
  const links = /<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
  for (const [, target, parameters = ""] of header.matchAll(links)) {
    const [, quoted, bare] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]*))/i.exec(parameters) ?? [];
    const relations = (quoted ?? bare ?? "").toLowerCase().split(/\s+/);
    if (relations.includes("next")) return target;
  }
  return undefined;
}
