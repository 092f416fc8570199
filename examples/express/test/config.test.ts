import { inspect } from "node:util";
import { loadConfig, values } from "@holdfast/config";
import { describe, expect, it } from "vitest";
import { options, schema } from "../src/config.ts";
import { settings } from "./site.ts";

const load = (env: Readonly<Record<string, string>>): Promise<unknown> =>
  loadConfig(schema, { ...options, sources: [values(env)], production: false });

describe("the configuration", () => {
  it("starts in development with nothing set", async () => {
    await expect(load({})).resolves.toMatchObject({
      PORT: 3000,
      HOST: "127.0.0.1",
      PUBLIC_URL: undefined,
      LOG_LEVEL: "info",
      RATE_LIMIT: { limit: 60, window: 60_000 },
      RATE_LIMIT_DRY_RUN: false,
      RATE_LIMIT_REDIS_URL: undefined,
      INSTANCES: 1,
      TRUSTED_PROXIES: [],
      SHUTDOWN_DELAY: 0,
      SHUTDOWN_TIMEOUT: 10_000,
      COMMIT: undefined,
    });
  });

  it("makes of text what the code works with", async () => {
    const config = await settings({
      RATE_LIMIT: "100/15m",
      TRUSTED_PROXIES: "loopback, 10.0.0.0/8, 2001:db8::/32",
      SHUTDOWN_DELAY: "5s",
    });
    expect(config).toMatchObject({
      RATE_LIMIT: { limit: 100, window: 900_000 },
      TRUSTED_PROXIES: ["loopback", "10.0.0.0/8", "2001:db8::/32"],
      SHUTDOWN_DELAY: 5000,
    });
  });

  it("keeps the password of Redis to itself", async () => {
    const config = await settings({ RATE_LIMIT_REDIS_URL: "rediss://app:hunter2@redis.example.com" });
    expect(inspect(config) + JSON.stringify(config)).not.toContain("hunter2");
    expect(config.RATE_LIMIT_REDIS_URL?.reveal()).toContain("hunter2");
  });

  it.each([
    ["PORT", "80a"],
    ["PORT", "0"],
    ["PUBLIC_URL", "localhost:3000"],
    ["LOG_LEVEL", "verbose"],
    ["LOG_KEY", "too-short"],
    ["RATE_LIMIT", "60"],
    ["RATE_LIMIT_DRY_RUN", "maybe"],
    ["RATE_LIMIT_REDIS_URL", "http://redis.example.com"],
    ["INSTANCES", "0"],
    ["TRUSTED_PROXIES", "10.0.0.0/8, everyone"],
    ["TRUSTED_PROXIES", "0.0.0.0/0"],
    ["SHUTDOWN_DELAY", "5"],
    ["SHUTDOWN_DELAY", "10s"],
    ["SHUTDOWN_TIMEOUT", "99ms"],
    ["COMMIT", "main"],
  ])("refuses %s=%s, under that name", async (variable, value) => {
    await expect(load({ [variable]: value })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      problems: [{ variable }],
    });
  });
});
