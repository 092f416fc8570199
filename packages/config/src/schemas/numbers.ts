// Numbers, ports, durations, sizes and rates out of text. Core's parsers do the units; their messages repeat the input,
// so none of them is passed on.

import { type Bytes, type Duration, parseBytes, parseDuration, parseRate } from "@holdfast/core";
import { invalid, type Parsed, valid } from "../parsed.ts";
import { strictVariable, type Variable } from "../variable.ts";
import { parseNumber } from "./grammar.ts";

export interface Range<Limit> {
  /** The least value allowed. */
  readonly min?: Limit;
  /** The greatest value allowed. */
  readonly max?: Limit;
}

/** A decimal number such as `0.25`. Hexadecimal, exponents, a leading `+` or zero and `Infinity` are refused. */
export function number(range: Range<number> = {}): Variable<number, "required"> {
  return numeric("a number", "0.5", range, decimal, Number);
}

/** A whole number that a double holds exactly. */
export function integer(range: Range<number> = {}): Variable<number, "required"> {
  return numeric("a whole number", "10", range, whole, Number);
}

/** A TCP port, 1 to 65535. */
export function port(): Variable<number, "required"> {
  return numeric("a port number", "3000", { min: 1, max: 65535 }, whole, Number);
}

/** A duration with its unit, such as `250ms`, `60s`, `15m`; gives milliseconds. A bare number is refused: of what? */
export function duration(range: Range<Duration> = {}): Variable<number, "required"> {
  return numeric(
    "a duration with a unit",
    "30s",
    range,
    (text) => attempt(parseDuration, text),
    parseDuration,
    formatDuration,
  );
}

/** A size with its unit, such as `512kB` or `8MiB`; gives bytes. */
export function bytes(range: Range<Bytes> = {}): Variable<number, "required"> {
  return numeric("a size with a unit", "8MiB", range, (text) => attempt(parseBytes, text), parseBytes, formatBytes);
}

/** A rate such as `60/minute` or `100/15m`; gives what every option called `rate` or `limit` of these packages takes. */
export function rate(): Variable<{ readonly limit: number; readonly window: number }, "required"> {
  const expected = "a rate, a number per time";
  const parse = (text: string): Parsed => {
    const parsed = attempt(parseRate, text);
    return parsed ? valid({ limit: parsed.limit, window: parsed.windowMs }) : invalid(`is not ${expected}`);
  };
  return strictVariable({ expected, example: "60/minute", parse, format: formatRate });
}

function numeric<Limit extends number | string>(
  kind: string,
  example: string,
  range: Range<Limit>,
  read: (text: string) => number | undefined,
  measure: (limit: Limit) => number,
  format: (value: number) => string = decimalText,
): Variable<number, "required"> {
  const min = range.min === undefined ? Number.NEGATIVE_INFINITY : measure(range.min);
  const max = range.max === undefined ? Number.POSITIVE_INFINITY : measure(range.max);
  const [least, greatest] = [min, max].map((limit) => (Number.isFinite(limit) ? format(limit) : undefined));
  const expected = kind + rangeText(least, greatest);
  const parse = (text: string): Parsed => {
    const value = read(text);
    if (value === undefined) return invalid(`is not ${expected}`);
    if (value < min) return invalid(`is under the least value, ${least}`);
    return value > max ? invalid(`is over the greatest value, ${greatest}`) : valid(value);
  };
  const within = (text: string): boolean => parse(text).ok;
  const fitting = [example, least, greatest].find((text) => text !== undefined && within(text));
  return strictVariable({ expected, example: fitting, parse, format });
}

function rangeText(min: string | undefined, max: string | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return `, ${min} or more`;
  return max === undefined ? "" : `, ${max} or less`;
}

function decimal(text: string): number | undefined {
  const parsed = parseNumber(text);
  return parsed?.ok ? parsed.value : undefined;
}

function whole(text: string): number | undefined {
  const value = decimal(text);
  // By the text: "1.0" is a decimal number, however whole.
  return text.includes(".") ? undefined : value;
}

function attempt<Value>(parse: (text: string) => Value, text: string): Value | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const BYTES_UNITS = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 };

function formatDuration(ms: number): string {
  return withUnit(ms, DURATION_UNITS);
}

function formatBytes(size: number): string {
  return withUnit(size, BYTES_UNITS);
}

function formatRate({ limit, window }: { readonly limit: number; readonly window: number }): string {
  return `${limit}/${formatDuration(window)}`;
}

/** In the greatest unit of which it is a whole number. */
function withUnit(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units).find(([, size]) => value > 0 && value % size === 0) ?? ["", 1];
  return `${value / size}${unit || Object.keys(units).at(-1)}`;
}

// Without an exponent, which the grammar refuses; a number has no more than 100 digits after the point that matter.
function decimalText(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(20).replace(/\.?0+$/, "") : text;
}
