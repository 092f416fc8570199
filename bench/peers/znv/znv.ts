// znv on zod 3, which is why it has a folder of its own.

import { type Library, runLibrary } from "../../src/config/library.ts";
import { isJson } from "../../src/config/zod-schemas.ts";

const znv: Library = {
  async service() {
    const { parseEnv, port, z } = await import("znv");
    const schemas = {
      NODE_ENV: z.enum(["development", "test", "production"]),
      PORT: port(),
      HOST: z.string().min(1),
      LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]),
      PUBLIC_URL: z.string().url(),
      DATABASE_URL: z.string().url().startsWith("postgres:"),
      DATABASE_POOL_SIZE: z.number().int().min(1).max(100),
      DATABASE_TIMEOUT_MS: z.number().int().min(1),
      REDIS_URL: z.string().url().startsWith("redis"),
      SESSION_SECRET: z.string().min(32),
      JWT_ISSUER: z.string().url(),
      JWT_TTL_SECONDS: z.number().int().min(60),
      CORS_ORIGINS: z.string().transform((text) => text.split(",")),
      SMTP_HOST: z.string().min(1),
      SMTP_PORT: port(),
      SMTP_USER: z.string().min(1),
      SMTP_PASSWORD: z.string().min(8),
      SMTP_SECURE: z.boolean(),
      S3_BUCKET: z.string().regex(/^[a-z\d.-]{3,63}$/),
      S3_REGION: z.string().min(1),
      S3_ENDPOINT: z.string().url().optional(),
      PAYMENT_API_KEY: z.string().startsWith("sk_live_"),
      SENTRY_DSN: z.string().url().optional(),
      SAMPLE_RATE: z.number().min(0).max(1).default(0.1),
      FEATURE_SIGNUP: z.boolean().default(false),
    };
    return (from) => parseEnv({ ...from }, schemas);
  },
  async secrets() {
    const { parseEnv, z } = await import("znv");
    const schemas = {
      SESSION_SECRET: z.string().min(32),
      PAYMENT_API_KEY: z.string().startsWith("sk_live_"),
      DATABASE_URL: z.string().url(),
      SERVICE_ACCOUNT: z.string().refine(isJson, "is not JSON"),
      SIGNING_KEY: z.string().regex(/^[\da-f]+$/),
      LICENCE_ID: z.string().uuid(),
      ACCOUNT_NUMBER: z.number().int(),
      ADMIN_TOKENS: z.string().regex(/^tok_[^,]+(,tok_[^,]+)*$/),
      LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]),
    };
    return (from) => parseEnv({ ...from }, schemas);
  },
};

if (import.meta.main) await runLibrary(znv);
