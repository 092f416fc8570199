// The 25 variables that every library reads: a service's usual ones, of the usual kinds.

export type Environment = Readonly<Record<string, string | undefined>>;

/** As the operating system hands them over. SENTRY_DSN is optional and not set; SAMPLE_RATE and FEATURE_SIGNUP have defaults. */
export const environment: Environment = {
  NODE_ENV: "production",
  PORT: "8080",
  HOST: "0.0.0.0",
  LOG_LEVEL: "info",
  PUBLIC_URL: "https://shop.example.com",
  DATABASE_URL: "postgres://app:oT2vRw8yXq5LzN3k@db.internal:5432/shop",
  DATABASE_POOL_SIZE: "20",
  DATABASE_TIMEOUT_MS: "5000",
  REDIS_URL: "redis://cache.internal:6379/0",
  SESSION_SECRET: "b7Vq2mZtY4xNc9RkW1sJp6HdL3uGf8Ea",
  JWT_ISSUER: "https://login.example.com",
  JWT_TTL_SECONDS: "900",
  CORS_ORIGINS: "https://shop.example.com,https://admin.example.com",
  SMTP_HOST: "smtp.example.com",
  SMTP_PORT: "587",
  SMTP_USER: "mailer",
  SMTP_PASSWORD: "Kp4Wz9TnQe7Xb2Vm",
  SMTP_SECURE: "true",
  S3_BUCKET: "shop-uploads",
  S3_REGION: "eu-central-1",
  S3_ENDPOINT: "https://s3.eu-central-1.example.com",
  PAYMENT_API_KEY: "sk_live_9aFqT2mXr7VdB4kZ",
};

/** Nine kinds of secret, each with the slip of a hand that makes it invalid. */
export interface MistypedSecret {
  readonly variable: string;
  readonly kind: string;
  readonly value: string;
  /** What must not be seen. */
  readonly hidden: string;
}

export const mistypedSecrets: readonly MistypedSecret[] = [
  secret("SESSION_SECRET", "a key that is too short", "Zk3vWq8RtY1m", "Zk3vWq8RtY1m"),
  secret("PAYMENT_API_KEY", "an API key without its prefix", "sklive_Hq7Rz2Xv9TbN4w", "Hq7Rz2Xv9TbN4w"),
  secret("DATABASE_URL", "a password in a URL", "postgres//app:Mx5Tq9Zr2Lw@db:5432/shop", "Mx5Tq9Zr2Lw"),
  secret("SERVICE_ACCOUNT", "a field of a JSON document", '{"key":"Vt8Yn4Kd6Qs1Pz",}', "Vt8Yn4Kd6Qs1Pz"),
  secret("SIGNING_KEY", "a hex key with a wrong digit", "9c41e07bd2g6583fa1d4", "9c41e07bd2g6583fa1d4"),
  secret("LICENCE_ID", "a UUID with a wrong digit", "5f0c9b1e-7a42-4d8x-9e63-2b17c4a80d95", "2b17c4a80d95"),
  secret("ACCOUNT_NUMBER", "a number with a letter", "I4815162342", "I4815162342"),
  secret("ADMIN_TOKENS", "one of a list", "tok_Fb3Xm7Qw5Rz,tokNc8Lv2Ys6Jt", "Nc8Lv2Ys6Jt"),
  secret("LOG_LEVEL", "one in the place of a choice", "whsec_Gd6Ht1Wp9Cx4", "whsec_Gd6Ht1Wp9Cx4"),
];

function secret(variable: string, kind: string, value: string, hidden: string): MistypedSecret {
  return { variable, kind, value, hidden };
}
