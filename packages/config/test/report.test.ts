import { execFile } from "node:child_process";
import { inspect } from "node:util";
import { HoldfastError } from "@holdfast/core";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type ConfigError,
  duration,
  envFile,
  key,
  loadConfig,
  port,
  processEnv,
  requires,
  text,
  url,
  values,
} from "../src/index.ts";
import { failureOf, problemsOf } from "./support.ts";

const schema = {
  DATABASE_URL: url({ protocols: ["postgres"] }).describe("Where the orders are"),
  PORT: port(),
  SIGNING_KEY: key(),
  TIMEOUT: duration({ min: "1s", max: "1m" }).example("5s"),
  TLS: z.stringbool().default(false),
  CERT: text().optional(),
};

const env = { DATABSE_URL: "postgres://db/app", PORT: "80a", SIGNING_KEY: "short", TIMEOUT: "2h", TLS: "on" };

const failing = (): Promise<ConfigError> =>
  failureOf(
    loadConfig(schema, {
      sources: [processEnv({ env }), envFile("/nowhere/.env", { optional: true })],
      rules: [requires("TLS", "CERT")],
    }),
  );

describe("the report", () => {
  it("says of every variable what is wrong, what is expected, and where it was sought or found", async () => {
    expect((await failing()).message).toBe(
      [
        "Configuration is not valid: 5 problems",
        "",
        "  DATABASE_URL is not set",
        "    what it is  Where the orders are",
        "    expected    a URL with postgres://",
        "    example     postgres://example.com",
        "    looked in   env, /nowhere/.env",
        "    similar     DATABSE_URL is set: a misspelling?",
        "",
        "  PORT is not a port number from 1 to 65535 (found 3 characters)",
        "    expected    a port number from 1 to 65535",
        "    example     3000",
        "    found in    env",
        "",
        "  SIGNING_KEY is too short for a key: it holds 3 bytes as base64, of 32 needed (found 5",
        "    characters)",
        "    expected    a random key of at least 32 bytes",
        "    found in    env",
        "",
        "  TIMEOUT is over the greatest value, 1m (found 2 characters)",
        "    expected    a duration with a unit from 1s to 1m",
        "    example     5s",
        "    found in    env",
        "",
        "  TLS needs CERT to be set as well",
      ].join("\n"),
    );
  });

  it("fits the line, and has no colour and no control character in it", async () => {
    const shouting = z
      .string()
      .refine(() => false, { message: `\u001b[31mred\r\nforged line\u0007 ${"long ".repeat(60)}` });
    const error = await failureOf(loadConfig({ A: shouting }, { sources: [values({ A: "x9!" })] }));
    for (const line of error.message.split("\n")) {
      expect(line.length).toBeLessThanOrEqual(96);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
    expect(error.message).not.toMatch(/^forged/m);
  });

  it("is a HoldfastError with a code, and its problems are there to be read", async () => {
    const error = await failing();
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ name: "ConfigError", code: "CONFIG_INVALID" });
    expect(error.cause).toBeUndefined();
    expect(error.problems[1]).toEqual({
      kind: "invalid",
      variable: "PORT",
      message: "is not a port number from 1 to 65535 (found 3 characters)",
      expected: "a port number from 1 to 65535",
      example: "3000",
      origin: "env",
      lookedIn: [],
      similar: [],
    });
  });

  it("is short in JSON, which has the problems in full", async () => {
    const error = await failing();
    const log = JSON.parse(JSON.stringify(error));
    expect(log).toMatchObject({
      name: "ConfigError",
      code: "CONFIG_INVALID",
      message: "Configuration is not valid: 5 problems",
    });
    expect(log.problems).toHaveLength(5);
  });

  it("is printed once, not twice, when nobody catches the error", async () => {
    const printed = inspect(await failing());
    expect(printed.split("Where the orders are")).toHaveLength(2);
  });

  it("keeps its problems in a log of pino's", async () => {
    const lines: string[] = [];
    pino({}, { write: (line: string) => void lines.push(line) }).fatal(await failing());
    expect(JSON.parse(lines[0] ?? "").err.problems).toHaveLength(5);
  });
});

describe("similar names", () => {
  const similarTo = async (missing: string, ...set: string[]): Promise<readonly string[]> => {
    const env = Object.fromEntries(set.map((name) => [name, "x"]));
    const [problem] = await problemsOf(loadConfig({ [missing]: text() }, { sources: [processEnv({ env })] }));
    return problem?.similar ?? [];
  };

  it.each([
    ["REDIS_URL", "REDIS_ULR"],
    ["REDIS_URL", "REDIS_UR"],
    ["REDIS_URL", "REDDIS_URLS"],
    ["REDIS_URL", "redis_url"],
    ["REDIS_URL", "REDISURL"],
    ["REDIS_URL", "APP_REDIS_URL"],
    ["APP_REDIS_URL", "REDIS_URL"],
    ["REDIS_URL", "URL_REDIS"],
    ["PORT", "PROT"],
  ])("for %s name %s", async (missing, set) => {
    expect(await similarTo(missing, set)).toEqual([set]);
  });

  it.each([
    ["REDIS_URL", "KAFKA_URL"],
    ["PORT", "SPORTS"],
    ["PORT", "HOST"],
    ["A", "B_A"],
    ["REDIS_URL", "REDIS_UR\u001b[31mL"],
  ])("for %s do not name %s", async (missing, set) => {
    expect(await similarTo(missing, set)).toEqual([]);
  });

  it("are never those of a declared variable, and at most three, the likeliest first", async () => {
    const env = { REDIS_URLS: "x", REDIS_URLSS: "x", REDISURL: "x", REDIS_ULR: "x", REDIS_URI: "x" };
    const declared = { REDIS_URL: text(), REDIS_URI: text() };
    const [problem] = await problemsOf(loadConfig(declared, { sources: [processEnv({ env })] }));
    expect(problem?.similar).toEqual(["REDISURL", "REDIS_ULR", "REDIS_URLS"]);
  });

  it("are sought in every source that knows its names, and in a source that does not list them not at all", async () => {
    const sources = [() => ({ REDIS_URLS: "x" }), values({ REDIS_ULR: "x" })];
    const [problem] = await problemsOf(loadConfig({ REDIS_URL: text() }, { sources }));
    expect(problem?.similar).toEqual(["REDIS_ULR"]);
  });
});

describe("reportAndExit", () => {
  const entry = new URL("../src/index.ts", import.meta.url).href;
  const run = (code: string): Promise<{ code: unknown; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const args = ["--input-type=module", "-e", `import * as config from ${JSON.stringify(entry)};\n${code}`];
      const environment = { PATH: process.env["PATH"], APP_PORT: "hunter2-is-no-port" };
      execFile(process.execPath, args, { env: environment }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it("writes one line of JSON to standard error, nothing to standard output, and exits with 78", async () => {
    const { code, stdout, stderr } = await run(
      "await config.loadConfig({ APP_PORT: config.port() }).catch(config.reportAndExit); console.log('started');",
    );
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: "CONFIG_INVALID", problems: [{ variable: "APP_PORT" }] });
    expect(stderr).not.toContain("hunter2");
  });

  it("writes the report for people to a terminal, in colour unless NO_COLOR is set", async () => {
    const load = "await config.loadConfig({ APP_PORT: config.port() }).catch(config.reportAndExit)";
    const plain = await run(`process.stderr.isTTY = true; process.env.NO_COLOR = "1"; ${load}`);
    expect(plain.code).toBe(78);
    expect(plain.stderr).toContain("\n  APP_PORT is not a port number from 1 to 65535");
    const coloured = await run(`process.stderr.isTTY = true; ${load}`);
    expect(coloured.stderr).toContain("\u001b[31mAPP_PORT\u001b[39m");
  });

  it("writes a report larger than a pipe's buffer in full", async () => {
    const names = "Array.from({ length: 2000 }, (_, index) => ['VARIABLE_' + index, config.port()])";
    const { code, stderr } = await run(
      `await config.loadConfig(Object.fromEntries(${names})).catch(config.reportAndExit)`,
    );
    expect(code).toBe(78);
    expect(JSON.parse(stderr).problems).toHaveLength(2000);
  });

  it("throws on what is not a report", async () => {
    const { code, stderr } = await run("await Promise.reject(new RangeError('other')).catch(config.reportAndExit)");
    expect(code).toBe(1);
    expect(stderr).toContain("RangeError: other");
  });

  it("throws on a mistake in the schema, whose stack is what is needed", async () => {
    const { code, stderr } = await run(
      "await config.loadConfig({ explain: config.port() }).catch(config.reportAndExit)",
    );
    expect(code).toBe(1);
    expect(stderr).toContain("explain can't be the name of a variable");
    expect(stderr).toContain("    at ");
  });
});

describe("starting", () => {
  it("loads no validator, no client and no module of Node's that is not loaded anyway", async () => {
    const { execFileSync } = await import("node:child_process");
    const hook = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); console.log(found.url); return found; } });
      await import(${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)});`;
    const urls = execFileSync(process.execPath, ["--input-type=module", "-e", hook], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(urls.length).toBeGreaterThan(5);
    expect(urls.filter((url) => !/\/packages\/(config|core)\/src\//.test(url))).toEqual([]);
    expect(urls.filter((url) => /aws|gcp|vault|cli/.test(url))).toEqual([]);
  });
});
