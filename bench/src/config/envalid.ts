// envalid, with its own validators where it has them and makers of its own where it has none.

import { type Library, runLibrary } from "./library.ts";

const envalid: Library = {
  async service() {
    const { bool, cleanEnv, host, makeValidator, num, port, str, url } = await import("envalid");
    const text = makeValidator((input) => check(input, input.length > 0, "is empty"));
    const secret = makeValidator((input) => check(input, input.length >= 8, "is too short"));
    const specs = {
      NODE_ENV: str({ choices: ["development", "test", "production"] }),
      PORT: port(),
      HOST: host(),
      LOG_LEVEL: str({ choices: ["debug", "info", "warn", "error"] }),
      PUBLIC_URL: url(),
      DATABASE_URL: url(),
      DATABASE_POOL_SIZE: num(),
      DATABASE_TIMEOUT_MS: num(),
      REDIS_URL: url(),
      SESSION_SECRET: makeValidator((input) => check(input, input.length >= 32, "is too short"))(),
      JWT_ISSUER: url(),
      JWT_TTL_SECONDS: num(),
      CORS_ORIGINS: makeValidator((input) => input.split(","))(),
      SMTP_HOST: host(),
      SMTP_PORT: port(),
      SMTP_USER: text(),
      SMTP_PASSWORD: secret(),
      SMTP_SECURE: bool(),
      S3_BUCKET: makeValidator((input) => check(input, /^[a-z\d.-]{3,63}$/.test(input), "is no bucket"))(),
      S3_REGION: text(),
      S3_ENDPOINT: url({ default: undefined }),
      PAYMENT_API_KEY: makeValidator((input) => check(input, input.startsWith("sk_live_"), "lacks its prefix"))(),
      SENTRY_DSN: url({ default: undefined }),
      SAMPLE_RATE: num({ default: 0.1 }),
      FEATURE_SIGNUP: bool({ default: false }),
    };
    return (from) => cleanEnv(from, specs);
  },
  async secrets() {
    const { cleanEnv, json, makeValidator, num, str, url } = await import("envalid");
    const matching = (pattern: RegExp) => makeValidator((input) => check(input, pattern.test(input), "does not match"));
    const specs = {
      SESSION_SECRET: matching(/^.{32}/)(),
      PAYMENT_API_KEY: matching(/^sk_live_/)(),
      DATABASE_URL: url(),
      SERVICE_ACCOUNT: json(),
      SIGNING_KEY: matching(/^[\da-f]+$/)(),
      LICENCE_ID: matching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)(),
      ACCOUNT_NUMBER: num(),
      ADMIN_TOKENS: matching(/^tok_[^,]+(,tok_[^,]+)*$/)(),
      LOG_LEVEL: str({ choices: ["debug", "info", "warn", "error"] }),
    };
    return (from) => cleanEnv(from, specs);
  },
};

/** The user's own messages hold no value; what envalid's hold is envalid's. */
function check(input: string, fits: boolean, problem: string): string {
  if (!fits) throw new TypeError(problem);
  return input;
}

if (import.meta.main) await runLibrary(envalid);
