// JSON that can be read in one way only: what tells a member that stands twice, a number out of range, half of a surrogate pair.

import { isUtf8 } from "node:buffer";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Bounds the work, and the stack. */
const MOST_DEPTH = 16;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface ParsedObject {
  readonly value: JsonObject;
  /**
   * How many members the objects in the text have, the value's own included. JSON.parse keeps the last of two of one name, however they
   * are escaped: then there are more in the text than in the value.
   */
  readonly members: number;
}

/** The object that bytes are the JSON of; the caller has to compare the members. */
export function parseObject(bytes: Buffer): ParsedObject | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(value) ? { value, members: countColons(text) } : undefined;
}

/** The object that bytes are the JSON of, where it can be read in one way only. */
export function readObject(bytes: Buffer): JsonObject | undefined {
  const parsed = parseObject(bytes);
  return parsed && countMembers(parsed.value) === parsed.members ? parsed.value : undefined;
}

/** Whether JSON can carry a value, so that the other side reads the same. */
export function isExact(value: unknown): boolean {
  return !Number.isNaN(countMembers(value));
}

/** How many members the objects in a value have; not a number where there is something that JSON can't carry exactly, or is too deep. */
export function countMembers(value: unknown, depth: number = MOST_DEPTH): number {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? 0 : Number.NaN;
    case "number":
      return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : Number.NaN;
    case "boolean":
      return 0;
    case "object":
      return value === null ? 0 : countInside(value, depth);
    default:
      return Number.NaN;
  }
}

function countInside(value: object, depth: number): number {
  if (depth === 0) return Number.NaN;
  let members = 0;
  if (Array.isArray(value)) {
    for (const one of value) members += countMembers(one, depth - 1);
    return members;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return Number.NaN;
  // Faster than Object.entries, and what is inherited has been ruled out.
  for (const name in value) {
    members += name.isWellFormed() ? 1 + countMembers((value as JsonObject)[name], depth - 1) : Number.NaN;
  }
  return members;
}

const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Of valid JSON, those outside of strings: one for each member. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === COLON) colons++;
    else if (unit === QUOTE) at = endOfString(text, at);
  }
  return colons;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
