// The options that are figures and names, read once.

import { parseDuration } from "@holdfast/core";
import { isId } from "./claims.ts";
import { EmbedTokenError } from "./errors.ts";
import type { EmbedTokensOptions } from "./tokens.ts";

export interface Settings {
  readonly issuer: string;
  readonly audience: string;
  readonly lifetimeMs: number;
  readonly maxLifetimeMs: number;
  readonly toleranceMs: number;
  readonly storeDeadlineMs: number;
}

/** What `maxLifetime` and `tolerance` can be at most. */
export const MOST_LIFETIME_MS = 3_600_000;
export const MOST_TOLERANCE_MS = 60_000;

/** Added to how long stores must remember, for verifiers whose clocks are behind: they take a token for good that much longer. */
export const CLOCK_SPREAD_MS = 60_000;

const MINUTE_MS = 60_000;

type Given = Pick<
  EmbedTokensOptions<never, unknown>,
  "issuer" | "audience" | "lifetime" | "maxLifetime" | "tolerance" | "storeDeadline"
>;

/** @throws EmbedTokenError `INVALID_OPTION` */
export function readOptions(options: Given): Settings {
  const { issuer, audience } = options;
  for (const [name, value] of Object.entries({ issuer, audience })) {
    if (!isId(value)) throw new EmbedTokenError("INVALID_OPTION", `${name} must be a text of 1 to 256 characters`);
  }
  const { lifetime = MINUTE_MS, maxLifetime = 10 * MINUTE_MS, tolerance = 5000, storeDeadline = 2000 } = options;
  const maxLifetimeMs = within("maxLifetime", parseDuration(maxLifetime), 1000, MOST_LIFETIME_MS);
  return {
    issuer,
    audience,
    maxLifetimeMs: wholeSeconds("maxLifetime", maxLifetimeMs),
    lifetimeMs: wholeSeconds("lifetime", within("lifetime", parseDuration(lifetime), 1000, maxLifetimeMs)),
    toleranceMs: within("tolerance", parseDuration(tolerance), 0, MOST_TOLERANCE_MS),
    storeDeadlineMs: within("storeDeadline", parseDuration(storeDeadline), 1, MINUTE_MS),
  };
}

function within(name: string, ms: number, least: number, most: number): number {
  if (ms >= least && ms <= most) return ms;
  throw new EmbedTokenError("INVALID_OPTION", `${name} is ${ms} ms; give ${least} to ${most} ms`);
}

function wholeSeconds(name: string, ms: number): number {
  if (ms % 1000 === 0) return ms;
  throw new EmbedTokenError("INVALID_OPTION", `${name} is ${ms} ms; give whole seconds, which is what tokens count in`);
}
