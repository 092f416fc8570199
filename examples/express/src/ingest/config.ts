// All that the ingestion is told from outside, as config.ts has it for the service.

import {
  type ConfigOptions,
  duration,
  envFile,
  flag,
  list,
  oneOf,
  port,
  processEnv,
  type Rule,
  type StandardSchemaV1,
  text,
  url,
  variable,
} from "@holdfast/config";
import type { Secret } from "@holdfast/core";

export interface IngestSettings {
  readonly TIMELINE_URL: string;
  readonly ACCOUNTS: readonly string[];
  readonly DATA_FOLDER: string;
  readonly DATABASE_URL: Secret | undefined;
  readonly INGEST_EVERY: number;
  readonly INGEST_ONCE: boolean;
  readonly INGEST_DEADLINE: number;
  readonly LEASE_TTL: number;
  readonly PORT: number;
  readonly HOST: string;
  readonly LOG_LEVEL: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  readonly SHUTDOWN_TIMEOUT: number;
}

type SchemaOf<Values> = { readonly [Name in keyof Values]: StandardSchemaV1<unknown, Values[Name]> };

export const schema: SchemaOf<IngestSettings> = {
  TIMELINE_URL: url({ protocols: ["http", "https"] })
    .describe("The timeline API.")
    .example("https://timeline.example.com/v2"),
  // An account's name becomes a file's.
  ACCOUNTS: list({ of: text({ pattern: /^\w{1,50}$/ }) })
    .describe("Whose posts are ingested, with commas between them.")
    .example("ada, grace"),
  DATA_FOLDER: text().default("data").describe("Where posts and checkpoints are kept without DATABASE_URL."),
  DATABASE_URL: variable(url({ protocols: ["postgres", "postgresql"] }), { secret: true })
    .optional()
    .describe("Postgres for posts and checkpoints, saved in one transaction; none: files.")
    .example("postgres://ingest:password@db.example.com/timeline"),
  INGEST_EVERY: duration({ min: "1s" }).default(60_000).describe("From the end of a round to the next."),
  INGEST_ONCE: flag().describe("One round, and then an end, as a scheduled job wants it."),
  INGEST_DEADLINE: duration({ min: "1s" })
    .default(600_000)
    .describe("The longest that a round takes; the next goes on."),
  LEASE_TTL: duration({ min: "1s" })
    .default(30_000)
    .describe("How long nobody takes over the accounts of an instance that is gone."),
  PORT: port().default(3001).describe("Port for health and metrics."),
  HOST: text().default("127.0.0.1").describe("Address to listen on; 0.0.0.0 in a container."),
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("The least level that is logged."),
  SHUTDOWN_TIMEOUT: duration({ min: "100ms" })
    .default(10_000)
    .describe("How long pages that are being written may take to end on shutdown."),
};

export const options: ConfigOptions<typeof schema, readonly Rule<IngestSettings>[]> = {
  sources: [processEnv(), envFile(".env", { optional: true })],
};
