// Options, each checked with a message that names it.

import { type Bytes, type Duration, parseBytes, parseDuration } from "@holdfast/core";
import { HttpRetryError } from "../errors.ts";

/** A whole number of `least` to `most`. */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, value, `give a whole number of ${least} to ${most}`);
}

/** A number of `least` to `most`. */
export function within(name: string, value: number, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw invalid(name, value, `give a number of ${least} to ${most}`);
}

export function oneOf<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw invalid(name, value, `give one of ${known.join(", ")}`);
}

/** Milliseconds. */
export function duration(name: string, value: Duration, leastMs = 0): number {
  const ms = parsed(parseDuration, value);
  if (ms !== undefined && ms >= leastMs) return ms;
  const bound = leastMs > 0 ? ` of ${leastMs} ms or more` : "";
  throw invalid(name, value, `give a duration${bound}, such as "30s", or whole milliseconds`);
}

export function bytes(name: string, value: Bytes): number {
  const size = parsed(parseBytes, value);
  if (size !== undefined) return size;
  throw invalid(name, value, 'give a size, such as "8MiB", or whole bytes');
}

export function invalid(name: string, value: unknown, remedy: string): HttpRetryError {
  const shown =
    typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : typeof value === "number" ? value : typeof value;
  return new HttpRetryError("INVALID_OPTION", `${name} is ${shown}; ${remedy}`);
}

function parsed<T>(parse: (value: T) => number, value: T): number | undefined {
  try {
    return parse(value);
  } catch {
    // Core's message doesn't know the option's name.
    return undefined;
  }
}
