// All that the service is told from outside. Read this file first: nothing else reads the environment.

import {
  type ConfigOptions,
  duration,
  envFile,
  flag,
  integer,
  key,
  list,
  oneOf,
  port,
  processEnv,
  type Rule,
  rate,
  rule,
  type StandardSchemaV1,
  secret,
  text,
  url,
  variable,
} from "@holdfast/config";
import type { Secret } from "@holdfast/core";
import { createClientAddress } from "@holdfast/core/http";
import { z } from "zod";

/** What the rest of the code sees: text has become numbers, durations milliseconds, secrets `Secret`. */
export interface Settings {
  readonly PORT: number;
  readonly HOST: string;
  readonly PUBLIC_URL: string | undefined;
  readonly LOG_LEVEL: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  readonly LOG_KEY: Secret;
  readonly RATE_LIMIT: { readonly limit: number; readonly window: number };
  readonly RATE_LIMIT_DRY_RUN: boolean;
  readonly RATE_LIMIT_REDIS_URL: Secret | undefined;
  readonly INSTANCES: number;
  readonly API_KEYS: Secret | undefined;
  readonly ORDERS_URL: string | undefined;
  readonly TRUSTED_PROXIES: readonly string[];
  readonly SHUTDOWN_DELAY: number;
  readonly SHUTDOWN_TIMEOUT: number;
  readonly COMMIT: string | undefined;
}

type SchemaOf<Values> = { readonly [Name in keyof Values]: StandardSchemaV1<unknown, Values[Name]> };

// Any Standard Schema stands beside Holdfast's own: this is plain zod.
const proxy = z.string().refine(isProxy, { error: 'is no address, no range, and neither "loopback" nor "private"' });

export const schema: SchemaOf<Settings> = {
  PORT: port().default(3000).describe("Port to listen on."),
  HOST: text().default("127.0.0.1").describe("Address to listen on; 0.0.0.0 in a container."),
  PUBLIC_URL: url({ protocols: ["http", "https"] })
    .recommended("an https one turns Strict-Transport-Security on")
    .describe("How clients reach the service.")
    .example("https://api.example.com"),
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("The least level that is logged."),
  LOG_KEY: key()
    .devDefault("for development alone, replace it elsewhere")
    .describe("Key that turns client addresses into pseudonyms in the log."),
  RATE_LIMIT: rate().default({ limit: 60, window: 60_000 }).describe("Echo requests that one client address may make."),
  RATE_LIMIT_DRY_RUN: flag().describe("Counts what the limit would refuse, and refuses nothing."),
  RATE_LIMIT_REDIS_URL: variable(url({ protocols: ["redis", "rediss"] }), { secret: true })
    .optional()
    .describe("Redis in which all instances share the limit; none: each has its own.")
    .example("rediss://limiter:password@redis.example.com:6379"),
  INSTANCES: integer({ min: 1 })
    .default(1)
    .describe("How many instances there are: while Redis is away each limits by its share."),
  API_KEYS: secret()
    .optional()
    .describe("Keys that may ask for orders, with commas between them; better sha256:ID:HEX than as they are."),
  ORDERS_URL: url({ protocols: ["http", "https"] })
    .optional()
    .describe("The service that knows the orders; none: there are no orders here.")
    .example("https://orders.internal/v1"),
  TRUSTED_PROXIES: list({ of: proxy })
    .default([])
    .describe("Proxies whose X-Forwarded-For is believed: addresses, ranges, loopback, private.")
    .example("10.0.0.0/8, loopback"),
  SHUTDOWN_DELAY: duration()
    .default(0)
    .describe("How long requests are still taken on shutdown, with health at 503, for load balancers to notice."),
  SHUTDOWN_TIMEOUT: duration({ min: "100ms" })
    .default(10_000)
    .describe("The longest that a shutdown takes, its delay included; then requests are cut off."),
  COMMIT: z
    .string()
    .regex(/^[0-9a-f]{7,40}$/)
    .optional()
    .describe("Commit that was built, in hexadecimal."),
};

const delayWithinTimeout = rule<Settings, "SHUTDOWN_DELAY" | "SHUTDOWN_TIMEOUT">(
  ["SHUTDOWN_DELAY", "SHUTDOWN_TIMEOUT"],
  (config) =>
    config.SHUTDOWN_DELAY < config.SHUTDOWN_TIMEOUT
      ? undefined
      : "must be shorter than SHUTDOWN_TIMEOUT: no time would be left for requests in flight",
);

export const options: ConfigOptions<typeof schema, readonly Rule<Settings>[]> = {
  // What the platform sets wins over the file.
  sources: [processEnv(), envFile(".env", { optional: true })],
  rules: [delayWithinTimeout],
};

function isProxy(item: string): boolean {
  try {
    createClientAddress({ trustedProxies: [item] });
    return true;
  } catch {
    return false;
  }
}
