// What events tell of a request, and what the browser says of it.

import { type ClientAddressOptions, createClientAddress, type RequestView } from "@holdfast/core/http";
import type { RequestFacts } from "../events.ts";
import { split } from "../strict.ts";

export interface FactsOptions {
  /** Which proxies may say whom they speak for, so that events name the client's address. Default: none. */
  readonly trustedProxies?: ClientAddressOptions["trustedProxies"] | undefined;
  /** The header in which a proxy or an earlier middleware names the request, for events. Default `x-request-id`. */
  readonly requestIdHeader?: string | undefined;
}

/** @throws HoldfastError `INVALID_TRUSTED_PROXY` */
export function factsReader({
  trustedProxies,
  requestIdHeader = "x-request-id",
}: FactsOptions): (view: RequestView) => RequestFacts {
  const clientAddress = createClientAddress(trustedProxies === undefined ? {} : { trustedProxies });
  return (view) => ({
    address: clientAddress(view) ?? view.address,
    requestId: view.header(requestIdHeader)?.slice(0, 128),
    method: view.method,
    path: withoutTokens(view.url.split("?", 1)[0] ?? ""),
  });
}

/**
 * Whether the browser says something else of a request than is meant (Fetch Metadata). A header that is missing says nothing: browsers
 * before 2023 have none, and what is no browser sends what it likes.
 */
export function saysOtherwise(view: RequestView, meant: Readonly<Record<string, string>>): boolean {
  return Object.entries(meant).some(([name, value]) => (view.header(name) ?? value) !== value);
}

/** Whether a token stands in the URL, under whatever name. */
export function hasTokenInUrl(view: RequestView, butFor?: string): boolean {
  const [path = "", ...queries] = view.url.split("?");
  if (path !== withoutTokens(path)) return true;
  return [...new URLSearchParams(queries.join("?"))].some(
    ([name, value]) => name !== butFor && split(value) !== undefined,
  );
}

/** Events name the path, and no token is to be in them. */
function withoutTokens(path: string): string {
  const segments = path.split("/");
  return segments.map((segment) => (split(segment) === undefined ? segment : "[token]")).join("/");
}
