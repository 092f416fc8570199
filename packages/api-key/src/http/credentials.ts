// Where a request carries its key: in one header, and nowhere else.

import type { RequestView } from "@holdfast/core/http";
import { parseAnyKey } from "../key-format.ts";

/**
 * - `ambiguous`: two keys that differ, or a header that was sent twice: which one counts is for nobody to guess
 * - `in-url`: URLs end up in logs, histories and `Referer`, so a key in one is as good as published
 */
export type Credentials = { readonly text: string | undefined } | { readonly problem: "ambiguous" | "in-url" };

const KEY_PARAMETERS: ReadonlySet<string> = new Set(["api_key", "apikey", "api-key", "x-api-key"]);
/** Of a URL, no more is looked at than servers take (node:http: 16 KiB of headers, the URL among them). */
const MOST_URL = 16_384;

/** The key in `X-API-Key`, or in `Authorization: Bearer` (RFC 6750); other schemes of Authorization are somebody else's. */
export function credentialsOf(view: RequestView): Credentials {
  if (isInUrl(view.url)) return { problem: "in-url" };
  const own = view.header("x-api-key");
  const authorization = view.header("authorization");
  const bearer = authorization === undefined ? undefined : /^Bearer +(.*?) *$/i.exec(authorization)?.[1];
  if (own !== undefined && bearer !== undefined && own !== bearer) return { problem: "ambiguous" };
  const text = own ?? bearer;
  // A header that was sent twice comes joined, and no key has a comma.
  return text?.includes(",") ? { problem: "ambiguous" } : { text };
}

/** Whether a parameter is named for a key, or anything in path and query looks like one, its checksum included. */
function isInUrl(url: string): boolean {
  const [path = "", ...queries] = url.slice(0, MOST_URL).split("?");
  // Most URLs have neither a query nor anything as long as a key.
  if (queries.length === 0) return path.length >= SHORTEST_KEY && path.split("/").some(looksLikeKey);
  const parameters = [...new URLSearchParams(queries.join("?"))];
  return (
    path.split("/").some(looksLikeKey) ||
    parameters.some(([name, value]) => KEY_PARAMETERS.has(name.toLowerCase()) || looksLikeKey(value))
  );
}

const SHORTEST_KEY = 50;

function looksLikeKey(text: string): boolean {
  return text.length >= SHORTEST_KEY && parseAnyKey(text) !== undefined;
}
