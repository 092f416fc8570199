import { inspect } from "node:util";
import { createManualClock, Secret } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  bytes,
  duration,
  type ExplainedVariable,
  flag,
  json,
  key,
  loadConfig,
  port,
  processEnv,
  rate,
  secret,
  text,
  url,
  type VariableSchemas,
  values,
  variable,
} from "../src/index.ts";

const clock = createManualClock(Date.UTC(2026, 0, 31));

async function explained(
  schema: VariableSchemas,
  env: Record<string, string>,
): Promise<Record<string, ExplainedVariable>> {
  const config = await loadConfig(schema, { sources: [values(env)], production: false });
  return Object.fromEntries(config.explain().variables.map((entry) => [entry.name, entry]));
}

describe("explain", () => {
  it("tells source, origin, version and time of each value, and what it hides", async () => {
    const store = () => ({ PORT: { value: "80", origin: "ssm:/app/PORT version 3", version: "3" } });
    const sources = [store, processEnv({ env: { PORT: "81" } }), values({ PORT: "80" }, "overrides")];
    const config = await loadConfig({ PORT: port(), HOST: text().optional() }, { sources, clock });
    expect(config.explain().variables).toEqual([
      {
        name: "PORT",
        source: "store",
        origin: "ssm:/app/PORT version 3",
        version: "3",
        isDefault: false,
        value: "80",
        shadowed: [
          { source: "env", origin: "env", differs: true },
          { source: "overrides", origin: "overrides", differs: false },
        ],
        loadedAt: "2026-01-31T00:00:00.000Z",
      },
      expect.objectContaining({ name: "HOST", source: "unset", value: "", isDefault: false }),
    ]);
  });

  it("tells a default, ours or the schema's own, as it would be written", async () => {
    const schema = {
      A: duration().default(90_000),
      B: bytes().default(2 ** 20),
      C: rate().default({ limit: 60, window: 60_000 }),
      D: z.number().default(3),
      E: flag(),
      F: port().devDefault(3000),
    };
    const entries = Object.values(await explained(schema, {}));
    expect(entries.map(({ value }) => value)).toEqual(["90s", "1MiB", "60/1m", "3", "false", "3000"]);
    expect(entries.every(({ isDefault }) => isDefault)).toBe(true);
    expect(entries.at(-1)).toMatchObject({ source: "development default" });
  });

  it("redacts secrets of every kind", async () => {
    const schema = {
      A: secret(),
      B: key(),
      C: variable(z.string(), { secret: true }),
      D: z.string().transform((value) => new Secret(value)),
    };
    const env = { A: "hunter2-a", B: "pJ9Qv3w0-Zk1xT7mB2sY8dLr5NfHcU6aGeWiKo4RtXE", C: "hunter2-c", D: "hunter2-d" };
    for (const { value } of Object.values(await explained(schema, env))) expect(value).toBe("[redacted]");
  });

  it.each([
    ...["API_KEY", "APIKEY", "AUTH_TOKEN", "CLIENT_SECRET", "DB_PASSWORD", "DB_PASS", "MYSQL_PWD", "AWS_CREDENTIALS"],
    ...["SENTRY_DSN", "PRIVATE_PEM", "SESSION_COOKIE", "SLACK_WEBHOOK", "apiKey", "KEYS", "PASSPHRASE", "SALT"],
  ])("redacts a value whose name looks like a secret: %s", async (name) => {
    expect((await explained({ [name]: text() }, { [name]: "hunter2" }))[name]?.value).toBe("[redacted]");
  });

  it.each(["PORT", "KEYBOARD", "AUTHOR", "PASSENGERS", "COMPANY", "HOST"])("shows a value of %s", async (name) => {
    expect((await explained({ [name]: text() }, { [name]: "shown" }))[name]?.value).toBe("shown");
  });

  it.each([
    ["postgres://app:hunter2@db:5432/app", "postgres://[redacted]@db:5432/app"],
    ["postgres://app:hun/ter#2@db:5432/app", "postgres://[redacted]@db:5432/app"],
    ["postgres://app:hun@ter2@db/app", "postgres://[redacted]@db/app"],
    ["//app:hunter2@db/app", "//[redacted]@db/app"],
    ["app:hunter2@db/app", "[redacted]@db/app"],
    ["https://a.example/?x=1&api_key=hunter2&y=2", "https://a.example/?x=1&api_key=[redacted]"],
    ["https://a.example/?x=1&sig=hunter2", "https://a.example/?x=1&sig=[redacted]"],
    ["Server=db;Password=hun;ter2;Timeout=3", "Server=db;Password=[redacted]"],
    ["host=db password = hunter2", "host=db password = [redacted]"],
    ["https://a.example/path?x=1", "https://a.example/path?x=1"],
    ["-----BEGIN PRIVATE KEY----- hunter2", "[redacted]"],
    ["ghp_hunter2hunter2hunter2hunter2", "[redacted]"],
    ['{"password":"hunter2"}', "22 characters of JSON"],
  ])("redacts what is secret inside a value: %s", async (given, shown) => {
    expect((await explained({ A: z.string() }, { A: given }))["A"]?.value).toBe(shown);
  });

  it("shows of a JSON document nothing but its length", async () => {
    expect((await explained({ A: json() }, { A: '{"a":"hunter2"}' }))["A"]?.value).toBe("15 characters of JSON");
  });

  it("prints as a table, and to a log as JSON", async () => {
    const sources = [
      processEnv({ env: { PORT: "80", DATABASE_URL: "postgres://u:hunter2@db/app" } }),
      values({ PORT: "81" }),
    ];
    const schema = { PORT: port(), DATABASE_URL: url(), TOKEN: secret().default("x"), NOTE: text().optional() };
    const explanation = (await loadConfig(schema, { sources })).explain();
    const table = [
      "VARIABLE      VALUE                        FROM",
      "PORT          80                           env, over values",
      "DATABASE_URL  postgres://[redacted]@db/app  env",
    ];
    expect(
      explanation
        .toString()
        .split("\n")
        .slice(0, 3)
        .map((line) => line.replace(/ {2,}/g, "  ")),
    ).toEqual(table.map((line) => line.replace(/ {2,}/g, "  ")));
    expect(inspect(explanation)).toBe(explanation.toString());
    expect(JSON.parse(JSON.stringify(explanation)).variables).toHaveLength(4);
  });

  it("keeps control characters and overlong values out of the table", async () => {
    const config = await loadConfig({ A: z.string() }, { sources: [values({ A: `\u001b[2J\n${"x".repeat(200)}` })] });
    const lines = config.explain().toString().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).not.toMatch(/\p{Cc}/u);
    expect(lines[1]?.length).toBeLessThan(80);
  });
});
