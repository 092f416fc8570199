// Header fields as they come from undici, and what is common to reading them.

import { parseHttpDate } from "./http-date.ts";

/** Names in lower case; an array where a field came more than once. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Every value of a field, one for each time it came. */
export function valuesOf(headers: HeaderFields, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** Of a field that should come once and has a number, the largest that any of its values makes. */
export function largest(
  headers: HeaderFields,
  name: string,
  read: (text: string) => number | undefined = digits,
): number | undefined {
  let most: number | undefined;
  for (const text of valuesOf(headers, name)) {
    const value = read(text.trim());
    if (value !== undefined && (most === undefined || value > most)) most = value;
  }
  return most;
}

/** Digits, of which as many as there are make at most 2^53 - 1; also with a fraction, which no standard has and some servers send. */
export function digits(text: string): number | undefined {
  return /^\d+(?:\.\d+)?$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : undefined;
}

/** The server's time by its `Date`, or `nowMs` where it tells none. */
export function serverNow(headers: HeaderFields, nowMs: number): number {
  return largest(headers, "date", (text) => parseHttpDate(text, nowMs)) ?? nowMs;
}
