// APIs that name the next page in a Link header (RFC 8288).

import { CheckpointError } from "../../errors.ts";
import type { Source } from "../contract.ts";
import { answerOf, type HttpSourceOptions, headerOf, responseOf } from "./http.ts";

export interface LinkCursor {
  /** Of the page to get next; after the last, that one again, for what came to it. */
  readonly url: string;
}

export interface LinkSourceOptions extends HttpSourceOptions {
  /** Of the first page. */
  readonly url: string;
}

/** Follows `rel="next"` within the origin of the first page: no header may lead a client with its credentials elsewhere. */
export function linkSource(options: LinkSourceOptions): Source<LinkCursor> {
  const { origin } = new URL(options.url);
  return {
    rereads: true,
    async *pages(cursor = { url: options.url }, call) {
      for (let url = cursor.url; ; ) {
        const response = await responseOf(url, options, call);
        const { records, remaining } = await answerOf(url, response, options);
        const link = nextLink(headerOf(response, "link"));
        const next = link === undefined ? undefined : new URL(link, url);
        if (next !== undefined && (next.origin !== origin || next.href === url)) {
          throw new CheckpointError(
            "SOURCE_FAILED",
            `A page names ${next.origin} for the next one, or itself; it stays at ${origin}`,
          );
        }
        yield { records, cursor: { url: next?.href ?? url }, remaining };
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
