// The same variables in zod 4, for every side that takes its schemas: zod itself, t3-env and ours.

import type { z as Zod, ZodType } from "zod";

type Schemas = Readonly<Record<string, ZodType>>;

export function serviceSchemas(z: typeof Zod): Schemas {
  return {
    NODE_ENV: z.enum(["development", "test", "production"]),
    PORT: z.coerce.number().int().min(1).max(65535),
    HOST: z.string().min(1),
    LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]),
    PUBLIC_URL: z.url(),
    DATABASE_URL: z.url({ protocol: /^postgres$/ }),
    DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(100),
    DATABASE_TIMEOUT_MS: z.coerce.number().int().min(1),
    REDIS_URL: z.url({ protocol: /^rediss?$/ }),
    SESSION_SECRET: z.string().min(32),
    JWT_ISSUER: z.url(),
    JWT_TTL_SECONDS: z.coerce.number().int().min(60),
    CORS_ORIGINS: z.string().transform((text) => text.split(",")),
    SMTP_HOST: z.string().min(1),
    SMTP_PORT: z.coerce.number().int().min(1).max(65535),
    SMTP_USER: z.string().min(1),
    SMTP_PASSWORD: z.string().min(8),
    SMTP_SECURE: z.stringbool(),
    S3_BUCKET: z.string().regex(/^[a-z\d.-]{3,63}$/),
    S3_REGION: z.string().min(1),
    S3_ENDPOINT: z.url().optional(),
    PAYMENT_API_KEY: z.string().startsWith("sk_live_"),
    SENTRY_DSN: z.url().optional(),
    SAMPLE_RATE: z.coerce.number().min(0).max(1).default(0.1),
    FEATURE_SIGNUP: z.stringbool().default(false),
  };
}

export function secretSchemas(z: typeof Zod): Schemas {
  return {
    SESSION_SECRET: z.string().min(32),
    PAYMENT_API_KEY: z.string().startsWith("sk_live_"),
    DATABASE_URL: z.url({ protocol: /^postgres$/ }),
    // The parser's own message would quote the document.
    SERVICE_ACCOUNT: z.string().refine(isJson, "is not JSON"),
    SIGNING_KEY: z.hex(),
    LICENCE_ID: z.uuid(),
    ACCOUNT_NUMBER: z.coerce.number().int(),
    ADMIN_TOKENS: z
      .string()
      .transform((text) => text.split(","))
      .pipe(z.array(z.string().startsWith("tok_"))),
    LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]),
  };
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
