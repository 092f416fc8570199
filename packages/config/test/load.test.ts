import { Secret } from "@holdfast/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  ConfigError,
  flag,
  json,
  key,
  list,
  loadConfig,
  port,
  processEnv,
  type StandardSchemaV1,
  secret,
  text,
  values,
  variable,
  when,
} from "../src/index.ts";
import { collectingLogger, failureOf, parsedAs, problemsOf, sourcesOf } from "./support.ts";

describe("loadConfig", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("reads process.env unless it is told otherwise", async () => {
    vi.stubEnv("HOLDFAST_TEST_PORT", "8080");
    expect(await loadConfig({ HOLDFAST_TEST_PORT: port() })).toEqual({ HOLDFAST_TEST_PORT: 8080 });
  });

  it("gives every declared name, and prints and spreads as its values alone", async () => {
    const config = await loadConfig({ A: port(), B: text().optional() }, { sources: sourcesOf({ A: "1", C: "c" }) });
    expect(Object.entries(config)).toEqual([
      ["A", 1],
      ["B", undefined],
    ]);
    expect(JSON.stringify(config)).toBe('{"A":1}');
  });

  it("freezes the configuration and all plain data in it", async () => {
    const schema = { A: list(), B: json(z.object({ c: z.array(z.object({ d: z.number() })) })), D: z.date() };
    const config = await loadConfig(schema, { sources: sourcesOf({ A: "a", B: '{"c":[{"d":1}]}', D: "2026-01-01" }) });
    for (const part of [config, config.A, config.B, config.B.c, config.B.c[0]])
      expect(Object.isFrozen(part)).toBe(true);
    expect(Object.isFrozen(config.D)).toBe(false);
  });

  it("takes each value from the first source that has one, an empty one not counting", async () => {
    const sources = [values({ A: "1", B: "" }), values({ A: "2", B: "3", C: "4" }), values({ C: "5" })];
    expect(await loadConfig({ A: port(), B: port(), C: port() }, { sources })).toEqual({ A: 1, B: 3, C: 4 });
  });

  it("sees a schema that was changed since the last load", async () => {
    const schema: Record<string, StandardSchemaV1<unknown, unknown>> = { A: port() };
    const sources = sourcesOf({ A: "1", B: "2" });
    const load = () => loadConfig(schema, { sources });
    expect(await load()).toEqual({ A: 1 });
    schema["B"] = schema["A"] as (typeof schema)[string];
    expect(await load()).toEqual({ A: 1, B: 2 });
    delete schema["A"];
    expect(await load()).toEqual({ B: 2 });
    schema["A"] = schema["B"] as (typeof schema)[string];
    delete schema["B"];
    expect(await load()).toEqual({ A: 1 });
    delete schema["A"];
    schema["B"] = text();
    expect(await load()).toEqual({ B: "2" });
    const rules = [when("B", { A: text() })] as const;
    expect(await loadConfig(schema, { sources, rules: rules as never })).toEqual({ A: "1", B: "2" });
    expect(await load()).toEqual({ B: "2" });
  });

  it("reports all problems at once, in the order of the schema", async () => {
    const schema = { A: port(), B: text(), C: z.url(), D: slow("no") };
    const problems = await problemsOf(loadConfig(schema, { sources: sourcesOf({ A: "x", C: "y", D: "z" }) }));
    expect(problems.map(({ variable, kind }) => `${variable} ${kind}`)).toEqual([
      "A invalid",
      "B missing",
      "C invalid",
      "D invalid",
    ]);
  });

  it("waits for slow validators together, not one after the other", async () => {
    let open = 0;
    let most = 0;
    const counting: StandardSchemaV1<unknown, string> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async (value) => {
          most = Math.max(most, ++open);
          await new Promise(setImmediate);
          open--;
          return { value: String(value) };
        },
      },
    };
    await loadConfig({ A: counting, B: counting }, { sources: sourcesOf({ A: "a", B: "b" }) });
    expect(most).toBe(2);
  });

  it.each(["explain", "watch", "1A", "A-B", "", "ä", "__proto__"])("refuses to declare %j", async (name) => {
    const error = await failureOf(loadConfig({ [name]: port() }, { sources: [] }));
    expect(error.code).toBe("SCHEMA_INVALID");
  });

  it("refuses what is no schema, naming the variable", async () => {
    const error = await failureOf(loadConfig({ A: (() => 1) as unknown as StandardSchemaV1 }, { sources: [] }));
    expect(error).toMatchObject({ code: "SCHEMA_INVALID", message: expect.stringContaining("A has no schema") });
  });

  it("bears variables named like an object's own parts", async () => {
    const schema = { constructor: text(), toString: text().optional(), hasOwnProperty: text().optional() };
    const config = await loadConfig(schema, { sources: [processEnv({ env: { constructor: "c" } as never })] });
    expect({ ...config }).toEqual({ constructor: "c", toString: undefined, hasOwnProperty: undefined });
    const problems = await problemsOf(loadConfig(schema, { sources: [processEnv()] }));
    expect(problems).toMatchObject([{ variable: "constructor", kind: "missing" }]);
  });

  it("rejects with the reason of a signal that aborts, before and during the load", async () => {
    const reason = new Error("enough");
    await expect(loadConfig({ A: port() }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const hanging = slow("never", new Promise(() => {}));
    const load = loadConfig({ A: hanging }, { sources: sourcesOf({ A: "a" }), signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort(reason);
    await expect(load).rejects.toBe(reason);
  });
});

describe("modifiers", () => {
  it("give the default where nothing is set", async () => {
    expect(await parsedAs(port().default(3000), undefined)).toBe(3000);
    expect(await parsedAs(port().default(3000), "80")).toBe(80);
  });

  it("leave the variable they are called on as it is", async () => {
    const base = port();
    base.default(1).optional().describe("x").example("2");
    await expect(parsedAs(base, undefined)).rejects.toBeInstanceOf(ConfigError);
  });

  it("take the last word on what absence means", async () => {
    expect(await parsedAs(port().default(1).optional(), undefined)).toBeUndefined();
    expect(await parsedAs(port().optional().default(1), undefined)).toBe(1);
    expect(await parsedAs(port().default(1).recommended("why"), undefined)).toBe(1);
  });

  it("give a development default outside production and want a value in it", async () => {
    const schema = { A: port().devDefault(3000) };
    const sources = sourcesOf({});
    expect(await loadConfig(schema, { sources, production: false })).toEqual({ A: 3000 });
    expect(await problemsOf(loadConfig(schema, { sources, production: true }))).toMatchObject([{ kind: "missing" }]);
    const zod = { A: variable(z.coerce.number(), { devDefault: 5 }) };
    expect(await loadConfig(zod, { sources, production: false })).toEqual({ A: 5 });
    expect(await problemsOf(loadConfig(zod, { sources, production: true }))).toMatchObject([{ kind: "missing" }]);
  });

  it("wrap a secret's default into a Secret", async () => {
    const config = await loadConfig(
      { A: secret().default("abc"), B: variable(z.number(), { secret: true, devDefault: 7 }) },
      { sources: [], production: false },
    );
    expect(config.A).toBeInstanceOf(Secret);
    expect([config.A.reveal(), config.B.reveal()]).toEqual(["abc", 7]);
  });

  it("hold a secret's default to its schema", async () => {
    const load = loadConfig({ A: key().devDefault("short") }, { sources: [], production: false });
    expect((await problemsOf(load))[0]?.message).toContain("too short");
  });

  it("work in a variable that is used as a Standard Schema", async () => {
    const { validate } = port().default(3)["~standard"];
    expect(await validate("80")).toEqual({ value: 80 });
    expect(await validate(undefined)).toEqual({ value: 3 });
    expect(await validate("x")).toMatchObject({ issues: [{ message: expect.stringContaining("port number") }] });
    expect(await validate(80)).toEqual({ issues: [{ message: "is not text" }] });
  });
});

describe("production", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    [undefined, false],
    ["", false],
    ["development", false],
    ["test", false],
    ["production", true],
    ["prod", true],
    ["staging", true],
    ["Development", true],
  ])("NODE_ENV %j counts as production: %s", async (stage, production) => {
    vi.stubEnv("NODE_ENV", stage);
    const load = loadConfig({ A: port().devDefault(1) }, { sources: [] });
    if (production) expect(await problemsOf(load)).toMatchObject([{ kind: "missing" }]);
    else expect(await load).toEqual({ A: 1 });
  });

  it("is what the option says, whatever NODE_ENV is", async () => {
    vi.stubEnv("NODE_ENV", "production");
    expect(await loadConfig({ A: port().devDefault(1) }, { sources: [], production: false })).toEqual({ A: 1 });
  });
});

describe("start-up warnings", () => {
  it("come in one line that lists all", async () => {
    const { lines, logger } = collectingLogger();
    const schema = {
      A: text().recommended("logs are hard to read without it"),
      B: text().recommended("why not"),
      C: text().recommended("given, so not missed"),
      D: key().devDefault("a-long-enough-placeholder-for-a-development-key"),
      E: flag(),
    };
    await loadConfig(schema, { sources: sourcesOf({ C: "c" }), logger, production: false });
    expect(lines).toEqual([
      {
        message: "configuration is valid, with warnings",
        fields: {
          warnings: [
            { variable: "A", message: "is not set, but should be: logs are hard to read without it" },
            { variable: "B", message: "is not set, but should be: why not" },
            { variable: "D", message: expect.stringContaining("development default") },
          ],
        },
      },
    ]);
  });

  it("are not heard of when there is nothing to warn of", async () => {
    const { lines, logger } = collectingLogger();
    await loadConfig({ A: text() }, { sources: sourcesOf({ A: "a" }), logger });
    expect(lines).toEqual([]);
  });
});

/** A validator that answers later, and refuses. */
function slow(message: string, until: Promise<unknown> = Promise.resolve()): StandardSchemaV1<unknown, string> {
  const validate = (): Promise<{ issues: { message: string }[] }> => until.then(() => ({ issues: [{ message }] }));
  return { "~standard": { version: 1, vendor: "test", validate } };
}
