// convict, with `sensitive` on every secret.

import type { SchemaObj } from "convict";
import { type Library, runLibrary } from "./library.ts";

type Declared = SchemaObj<unknown>;
type Format = Declared["format"];

const text = matching(/./s);
const required = (env: string, format: Format): Declared => ({ env, format, default: null });
const optional = (env: string, format: Format): Declared => ({ env, format, default: null, nullable: true });
const secret = (env: string, format: Format): Declared => ({ env, format, default: null, sensitive: true });

const convict: Library = {
  async service() {
    const { default: convict } = await import("convict");
    const schema = {
      NODE_ENV: required("NODE_ENV", ["development", "test", "production"]),
      PORT: required("PORT", "port"),
      HOST: required("HOST", text),
      LOG_LEVEL: required("LOG_LEVEL", ["debug", "info", "warn", "error"]),
      PUBLIC_URL: required("PUBLIC_URL", url),
      DATABASE_URL: secret("DATABASE_URL", url),
      DATABASE_POOL_SIZE: required("DATABASE_POOL_SIZE", "nat"),
      DATABASE_TIMEOUT_MS: required("DATABASE_TIMEOUT_MS", "nat"),
      REDIS_URL: required("REDIS_URL", url),
      SESSION_SECRET: secret("SESSION_SECRET", matching(/^.{32}/)),
      JWT_ISSUER: required("JWT_ISSUER", url),
      JWT_TTL_SECONDS: required("JWT_TTL_SECONDS", "nat"),
      CORS_ORIGINS: required("CORS_ORIGINS", Array),
      SMTP_HOST: required("SMTP_HOST", text),
      SMTP_PORT: required("SMTP_PORT", "port"),
      SMTP_USER: required("SMTP_USER", text),
      SMTP_PASSWORD: secret("SMTP_PASSWORD", matching(/^.{8}/)),
      SMTP_SECURE: required("SMTP_SECURE", Boolean),
      S3_BUCKET: required("S3_BUCKET", matching(/^[a-z\d.-]{3,63}$/)),
      S3_REGION: required("S3_REGION", text),
      S3_ENDPOINT: optional("S3_ENDPOINT", url),
      PAYMENT_API_KEY: secret("PAYMENT_API_KEY", matching(/^sk_live_/)),
      SENTRY_DSN: optional("SENTRY_DSN", url),
      SAMPLE_RATE: { env: "SAMPLE_RATE", format: Number, default: 0.1 },
      FEATURE_SIGNUP: { env: "FEATURE_SIGNUP", format: Boolean, default: false },
    };
    return (from) => convict(schema, { env: { ...from }, args: [] }).validate({ allowed: "strict" });
  },
  async secrets() {
    const { default: convict } = await import("convict");
    const schema = {
      SESSION_SECRET: secret("SESSION_SECRET", matching(/^.{32}/)),
      PAYMENT_API_KEY: secret("PAYMENT_API_KEY", matching(/^sk_live_/)),
      DATABASE_URL: secret("DATABASE_URL", url),
      SERVICE_ACCOUNT: secret("SERVICE_ACCOUNT", json),
      SIGNING_KEY: secret("SIGNING_KEY", matching(/^[\da-f]+$/)),
      LICENCE_ID: secret("LICENCE_ID", matching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)),
      ACCOUNT_NUMBER: secret("ACCOUNT_NUMBER", "int"),
      ADMIN_TOKENS: secret("ADMIN_TOKENS", matching(/^tok_[^,]+(,tok_[^,]+)*$/)),
      LOG_LEVEL: required("LOG_LEVEL", ["debug", "info", "warn", "error"]),
    };
    return (from) => convict(schema, { env: { ...from }, args: [] }).validate({ allowed: "strict" });
  },
};

function matching(pattern: RegExp): (value: unknown) => void {
  return (value) => {
    if (!pattern.test(String(value))) throw new TypeError("does not match");
  };
}

function url(value: unknown): void {
  if (!URL.canParse(String(value))) throw new TypeError("is not a URL");
}

function json(value: unknown): void {
  try {
    JSON.parse(String(value));
  } catch {
    throw new TypeError("is not JSON");
  }
}

if (import.meta.main) await runLibrary(convict);
