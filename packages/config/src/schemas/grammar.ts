// How numbers and booleans are written in an environment. One grammar for our own schemas and for zod's.

import { type Parsed, valid } from "../parsed.ts";

// JSON's grammar without the exponent: no sign but "-", no leading zero, no 0x10, no 1e3, no bare ".5" or "5.".
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;

/** `undefined` for all that is not a decimal number, and for one that a double can't hold apart from its neighbours. */
export function parseNumber(text: string): Parsed<number> | undefined {
  // The longest double worth writing has 17 significant digits; what goes on for hundreds is no number that a person set.
  if (text.length > 40 || !NUMBER.test(text)) return undefined;
  // + 0 makes 0 of -0.
  const number = Number(text) + 0;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? undefined : valid(number);
}

export function parseInteger(text: string): Parsed<bigint> | undefined {
  return text.length <= 1000 && INTEGER.test(text) ? valid(BigInt(text)) : undefined;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
  ["yes", true],
  ["no", false],
  ["on", true],
  ["off", false],
]);

export function parseBoolean(text: string): Parsed<boolean> | undefined {
  const value = BOOLEANS.get(text.toLowerCase());
  return value === undefined ? undefined : valid(value);
}

/** `"a"`, `"a" or "b"`, `one of "a", "b", "c"`. */
export function oneOfText(values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length <= 2 ? quoted.join(" or ") : `one of ${quoted.join(", ")}`;
}
