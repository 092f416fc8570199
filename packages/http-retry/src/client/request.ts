// A request as the client holds it, and how messages name it.

import type { RequestBody } from "../body/request-body.ts";
import type { Address } from "./address.ts";

export interface RequestLine extends Address {
  readonly method: string;
}

export interface HttpRequest extends RequestLine {
  /** Names in lower case. */
  readonly headers: RequestFields;
  readonly body: RequestBody | undefined;
}

export type RequestFields = Readonly<Record<string, string | string[]>>;

export function urlOf({ origin, path }: Address): string {
  return origin + path;
}

/** Without the query: secrets are sent there. */
export function nameOf({ method, origin, path }: RequestLine): string {
  const end = path.indexOf("?");
  return `${method} ${origin}${end < 0 ? path : path.slice(0, end)}`;
}
