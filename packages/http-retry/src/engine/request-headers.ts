// Request headers in the shapes that undici takes: an object, a flat list, pairs.

import type { Dispatcher } from "undici";

export type RequestHeaders = Dispatcher.DispatchOptions["headers"];

/** The first value of the field, `name` in lower case; undefined where there is none. */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  for (const [field, value] of pairsOf(headers)) {
    if (field.toLowerCase() === name && value !== undefined) return String(Array.isArray(value) ? value[0] : value);
  }
  return undefined;
}

/** The same headers with these fields in the place of what they had of them. Names in lower case. */
export function withHeaders(
  headers: RequestHeaders,
  fields: Readonly<Record<string, string>>,
): Record<string, Value> | string[] {
  const kept = [...pairsOf(headers)].filter(([field]) => !Object.hasOwn(fields, field.toLowerCase()));
  if (headers == null || !(Symbol.iterator in headers)) return { ...Object.fromEntries(kept), ...fields };
  return [...kept, ...Object.entries(fields)].flatMap(([field, value]) => {
    if (value === undefined) return [];
    return Array.isArray(value) ? value.flatMap((one) => [field, String(one)]) : [field, String(value ?? "")];
  });
}

/** Headers that can be read as often as there are attempts: an iterator, which can be read once, becomes a list. */
export function repeatable(headers: RequestHeaders): RequestHeaders {
  if (headers == null || Array.isArray(headers) || !isPairs(headers)) return headers;
  return (headers[Symbol.iterator]() as unknown) === headers ? withHeaders(headers, {}) : headers;
}

type Value = string | string[] | undefined;

function* pairsOf(headers: RequestHeaders): Generator<readonly [string, Value]> {
  if (headers == null) return;
  if (Array.isArray(headers)) {
    for (let i = 0; i + 1 < headers.length; i += 2) yield [String(headers[i]), headers[i + 1]];
  } else if (isPairs(headers)) yield* headers;
  else yield* Object.entries(headers as Record<string, Value>);
}

function isPairs(headers: object): headers is Iterable<[string, Value]> {
  return Symbol.iterator in headers;
}
