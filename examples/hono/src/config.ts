// All that the service is told from outside. Read this file first: nothing else of it reads the environment.

import { flag, key, oneOf, port, rate, type StandardSchemaV1, secret, text, url, variable } from "@holdfast/config";
import type { Secret } from "@holdfast/core";

export interface Settings {
  readonly PORT: number;
  readonly HOST: string;
  readonly PUBLIC_URL: string;
  readonly LOG_LEVEL: "debug" | "info" | "warn" | "error";
  readonly EMBED_ENABLED: boolean;
  readonly EMBED_KEY: Secret;
  readonly EMBED_RATE_LIMIT: { readonly limit: number; readonly window: number };
  readonly API_KEYS: Secret | undefined;
  readonly REDIS_URL: Secret | undefined;
}

type SchemaOf<Values> = { readonly [Name in keyof Values]: StandardSchemaV1<unknown, Values[Name]> };

export const schema: SchemaOf<Settings> = {
  PORT: port().default(3100).describe("Port to listen on."),
  HOST: text().default("127.0.0.1").describe("Address to listen on; 0.0.0.0 in a container."),
  PUBLIC_URL: url({ protocols: ["http", "https"] })
    .default("http://localhost:3100")
    .describe("Where browsers find the dashboards."),
  LOG_LEVEL: oneOf(["debug", "info", "warn", "error"]).default("info").describe("The least level that is logged."),
  EMBED_ENABLED: flag().describe("Whether tokens are made for other people's pages."),
  EMBED_KEY: key()
    .devDefault("for development alone, replace it elsewhere")
    .describe("Key that embed tokens are signed with, the same on all instances."),
  EMBED_RATE_LIMIT: rate()
    .default({ limit: 10, window: 60_000 })
    .describe("Embed tokens that one API key may have made."),
  API_KEYS: secret()
    .optional()
    .describe("Keys of those who may embed, with commas between them; better sha256:ID:HEX than as they are."),
  REDIS_URL: variable(url({ protocols: ["redis", "rediss"] }), { secret: true })
    .optional()
    .describe("Redis in which all instances share used tokens and limits; none: this is the only instance.")
    .example("rediss://embed:password@redis.example.com:6379"),
};
