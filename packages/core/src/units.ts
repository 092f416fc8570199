// Durations, rates and sizes as people write them in configuration. All three are strict: "80a" is an error, not 80.

import { type CoreErrorCode, HoldfastError } from "./errors.ts";

/** Milliseconds, or a number with a unit: `"250ms"`, `"60s"`, `"1.5h"`, `"15m"`, `"30d"`, `"2w"`. */
export type Duration = number | string;

/** Bytes, or a number with a unit: `"512B"`, `"10MB"` (powers of 1000), `"8MiB"` (powers of 1024, IEC 80000-13). */
export type Bytes = number | string;

/** `"60/minute"`, `"100/15m"`, or the two parts. */
export type Rate = string | { readonly limit: number; readonly window: Duration };

export interface ParsedRate {
  readonly limit: number;
  readonly windowMs: number;
}

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

// Month and year are left out: they have no one length.
const WINDOW_MS: Readonly<Record<string, number>> = {
  ...DURATION_MS,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * Whole milliseconds of a duration.
 * @throws HoldfastError `INVALID_DURATION`: not a number >= 0 with a unit, or not a whole number of milliseconds up to 2^53 - 1
 */
export function parseDuration(duration: Duration): number {
  const ms = milliseconds(duration);
  if (isCount(ms)) return ms;
  throw invalid(
    "INVALID_DURATION",
    duration,
    'a duration such as "250ms", "60s", "15m", "24h", "30d", or whole milliseconds',
  );
}

/**
 * Whole bytes of a size.
 * @throws HoldfastError `INVALID_BYTES`: not a number >= 0 with a unit, or not a whole number of bytes up to 2^53 - 1
 */
export function parseBytes(bytes: Bytes): number {
  const size = typeof bytes === "number" ? bytes : toSmallestUnit(bytes, BYTES);
  if (isCount(size)) return size;
  throw invalid("INVALID_BYTES", bytes, 'a size such as "512B", "10MB", "8MiB", or whole bytes');
}

/**
 * Limit and window of a rate. The window is a name (`second`, `minute`, `hour`, `day`, `week`), a unit, or a duration.
 * @throws HoldfastError `INVALID_RATE`: no such form, a limit that is not a whole number >= 1, or a window under 1 ms
 */
export function parseRate(rate: Rate): ParsedRate {
  const { limit, windowMs } = typeof rate === "string" ? splitRate(rate) : parts(rate);
  if (isCount(limit) && limit > 0 && isCount(windowMs) && windowMs > 0) return { limit, windowMs };
  throw invalid("INVALID_RATE", rate, 'a rate such as "60/minute", "100/15m", or { limit, window } with a limit >= 1');
}

function splitRate(rate: string): ParsedRate {
  const [, limit, name, window = ""] = /^(\d{1,16}) ?\/ ?(?:([a-z]{1,6})|(\d.{0,30}))$/.exec(rate) ?? [];
  const windowMs = name ? (WINDOW_MS[name] ?? Number.NaN) : milliseconds(window);
  return { limit: Number(limit), windowMs };
}

function parts(rate: { readonly limit: number; readonly window: Duration } | undefined): ParsedRate {
  return { limit: rate?.limit ?? Number.NaN, windowMs: milliseconds(rate?.window) };
}

function milliseconds(duration: Duration | undefined): number {
  return typeof duration === "number" ? duration : toSmallestUnit(duration, DURATION_MS);
}

/** NaN where the text is not a number with one of the units, or no whole number of the smallest one. */
function toSmallestUnit(text: string | undefined, units: Readonly<Record<string, number>>): number {
  const [, whole = "", fraction = "", unit = ""] =
    /^(\d{1,16})(?:\.(\d{1,6}))? ?([A-Za-z]{1,3})$/.exec(typeof text === "string" ? text : "") ?? [];
  const factor = units[unit];
  if (factor === undefined) return Number.NaN;
  // In integers, for 4.35 * 1000 is not 4350 in floating point.
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  const scale = 10n ** BigInt(fraction.length);
  return scaled % scale === 0n ? Number(scaled / scale) : Number.NaN;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(code: CoreErrorCode, input: unknown, expected: string): HoldfastError<CoreErrorCode> {
  const shown =
    typeof input === "string" ? JSON.stringify(input.slice(0, 64)) : typeof input === "number" ? input : typeof input;
  return new HoldfastError(code, `${shown} is not ${expected}`);
}
