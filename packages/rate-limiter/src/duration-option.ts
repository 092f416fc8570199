// Durations that an option gives, within bounds.

import { type Duration, parseDuration } from "@holdfast/core";
import { RateLimiterError } from "./errors.ts";

/**
 * Milliseconds.
 * @throws RateLimiterError `INVALID_OPTION`, with the option's name
 */
export function durationOption(name: string, value: Duration, leastMs: number, mostMs: number): number {
  let ms = Number.NaN;
  try {
    ms = parseDuration(value);
  } catch {
    // Told below, with the option's name.
  }
  if (ms >= leastMs && ms <= mostMs) return ms;
  const most = mostMs === Number.POSITIVE_INFINITY ? " or more" : ` to ${mostMs} ms`;
  throw new RateLimiterError("INVALID_OPTION", `${name} is ${String(value)}; give a duration of ${leastMs} ms${most}`);
}
