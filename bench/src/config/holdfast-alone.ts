// Ours with its own schemas, and no library beside it.

import { importHoldfast } from "./holdfast-build.ts";
import { type Library, runLibrary } from "./library.ts";

export const holdfastAlone: Library = {
  async service() {
    const { boolean, flag, integer, list, loadConfig, number, oneOf, port, processEnv, secret, text, url, variable } =
      await importHoldfast();
    const schemas = {
      NODE_ENV: oneOf(["development", "test", "production"]),
      PORT: port(),
      HOST: text(),
      LOG_LEVEL: oneOf(["debug", "info", "warn", "error"]),
      PUBLIC_URL: url(),
      DATABASE_URL: variable(url({ protocols: ["postgres"] }), { secret: true }),
      DATABASE_POOL_SIZE: integer({ min: 1, max: 100 }),
      DATABASE_TIMEOUT_MS: integer({ min: 1 }),
      REDIS_URL: url({ protocols: ["redis", "rediss"] }),
      SESSION_SECRET: secret({ minLength: 32 }),
      JWT_ISSUER: url(),
      JWT_TTL_SECONDS: integer({ min: 60 }),
      CORS_ORIGINS: list(),
      SMTP_HOST: text(),
      SMTP_PORT: port(),
      SMTP_USER: text(),
      SMTP_PASSWORD: secret({ minLength: 8 }),
      SMTP_SECURE: boolean(),
      S3_BUCKET: text({ pattern: /^[a-z\d.-]{3,63}$/ }),
      S3_REGION: text(),
      S3_ENDPOINT: url().optional(),
      PAYMENT_API_KEY: variable(text({ pattern: /^sk_live_/ }), { secret: true }),
      SENTRY_DSN: url().optional(),
      SAMPLE_RATE: number({ min: 0, max: 1 }).default(0.1),
      FEATURE_SIGNUP: flag(),
    };
    return (from) => loadConfig(schemas, { sources: [processEnv({ env: from })] });
  },
  async secrets() {
    const { integer, json, key, list, loadConfig, oneOf, processEnv, secret, text, url, variable } =
      await importHoldfast();
    const schemas = {
      SESSION_SECRET: secret({ minLength: 32 }),
      PAYMENT_API_KEY: variable(text({ pattern: /^sk_live_/ }), { secret: true }),
      DATABASE_URL: variable(url({ protocols: ["postgres"] }), { secret: true }),
      SERVICE_ACCOUNT: variable(json(), { secret: true }),
      SIGNING_KEY: key({ encoding: "hex", minBytes: 8 }),
      LICENCE_ID: variable(text({ pattern: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/ }), { secret: true }),
      ACCOUNT_NUMBER: variable(integer(), { secret: true }),
      ADMIN_TOKENS: variable(list({ of: text({ pattern: /^tok_/ }) }), { secret: true }),
      LOG_LEVEL: oneOf(["debug", "info", "warn", "error"]),
    };
    return (from) => loadConfig(schemas, { sources: [processEnv({ env: from })] });
  },
};

if (import.meta.main) await runLibrary(holdfastAlone);
