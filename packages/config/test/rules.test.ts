import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  atLeastOneOf,
  exactlyOneOf,
  flag,
  integer,
  key,
  loadConfig,
  oneOf,
  port,
  type Rule,
  requires,
  rule,
  secret,
  text,
  url,
  type Values,
  values,
  when,
} from "../src/index.ts";
import { failureOf, problemsOf, sourcesOf } from "./support.ts";

const schema = { A: flag(), B: text().optional(), C: text().optional(), N: integer().optional() };
const load = (env: Record<string, string>, rule: Rule<Values<typeof schema>, Record<never, never>>): Promise<unknown> =>
  loadConfig(schema, { sources: sourcesOf(env), rules: [rule] });

describe("requires", () => {
  it("wants all that is needed where the first is on", async () => {
    const rule = requires("A", "B", "C");
    await load({}, rule);
    await load({ A: "false" }, rule);
    await load({ A: "true", B: "b", C: "c" }, rule);
    expect(await problemsOf(load({ A: "true", B: "b" }, rule))).toMatchObject([
      { kind: "rule", variable: "A", message: "needs C to be set as well" },
    ]);
  });
});

describe("exactlyOneOf", () => {
  it("wants one and no more", async () => {
    const rule = exactlyOneOf("B", "C");
    await load({ B: "b" }, rule);
    await load({ C: "c" }, rule);
    expect(await problemsOf(load({}, rule))).toMatchObject([
      { variable: "B", message: expect.stringContaining("none is") },
    ]);
    expect(await problemsOf(load({ B: "b", C: "c" }, rule))).toMatchObject([
      { message: expect.stringContaining("B, C are") },
    ]);
  });
});

describe("atLeastOneOf", () => {
  it("wants one or more", async () => {
    const rule = atLeastOneOf("A", "B");
    await load({ A: "on" }, rule);
    await load({ A: "on", B: "b" }, rule);
    expect(await problemsOf(load({ A: "off" }, rule))).toMatchObject([{ kind: "rule", variable: "A" }]);
  });
});

describe("when", () => {
  const options = (env: Record<string, string>) => ({
    sources: sourcesOf(env),
    rules: [when("EMBED", { EMBED_KEY: key({ minBytes: 16 }), EMBED_TTL: integer().default(60) })] as const,
  });

  it("adds variables where its condition is on", async () => {
    const env = { EMBED: "true", EMBED_KEY: "pJ9Qv3w0-Zk1xT7mB2sY8d" };
    const config = await loadConfig({ EMBED: flag() }, options(env));
    expect(config.EMBED_KEY?.reveal()).toBe(env.EMBED_KEY);
    expect(config.EMBED_TTL).toBe(60);
  });

  it("wants them there", async () => {
    expect(await problemsOf(loadConfig({ EMBED: flag() }, options({ EMBED: "true" })))).toMatchObject([
      { kind: "missing", variable: "EMBED_KEY" },
    ]);
  });

  it("does not look at them where it is off", async () => {
    const config = await loadConfig({ EMBED: flag() }, options({ EMBED_KEY: "short" }));
    expect(config).toEqual({ EMBED: false, EMBED_KEY: undefined, EMBED_TTL: undefined });
  });

  it("leaves them be where the condition itself is not valid", async () => {
    const problems = await problemsOf(loadConfig({ EMBED: flag() }, options({ EMBED: "perhaps" })));
    expect(problems.map(({ variable }) => variable)).toEqual(["EMBED"]);
  });

  it("asks the sources for them together with the rest", async () => {
    const asked: (readonly string[])[] = [];
    await loadConfig(
      { EMBED: flag() },
      {
        rules: [when("EMBED", { EMBED_URL: url() })],
        sources: [
          (names) => {
            asked.push(names);
            return {};
          },
        ],
      },
    );
    expect(asked).toEqual([["EMBED", "EMBED_URL"]]);
  });

  it("can't declare what is declared already, nor hang on what is not", async () => {
    const twice = loadConfig({ A: flag() }, { rules: [when("A", { A: text() })] });
    expect(await failureOf(twice)).toMatchObject({
      code: "SCHEMA_INVALID",
      message: expect.stringContaining("A is declared twice"),
    });
    const stray = loadConfig({ A: flag() }, { rules: [when("B", {}) as never] });
    expect(await failureOf(stray)).toMatchObject({ code: "SCHEMA_INVALID", message: expect.stringContaining("B") });
  });

  it("works with an object schema", async () => {
    const object = z.object({ A: z.boolean().default(false) });
    const rules = [when("A", { B: port() })] as const;
    expect(await loadConfig(object, { sources: [values({ A: "yes", B: "80" })], rules })).toEqual({ A: true, B: 80 });
  });
});

describe("a rule of one's own", () => {
  const ordered = rule<{ MIN: number; MAX: number }, "MIN" | "MAX">(["MIN", "MAX"], ({ MIN, MAX }) =>
    MIN > MAX ? "must not be over the other" : undefined,
  );

  it("says what is wrong of values that are valid by themselves", async () => {
    const schema = { MIN: integer(), MAX: integer() };
    await loadConfig(schema, { sources: sourcesOf({ MIN: "1", MAX: "2" }), rules: [ordered] });
    expect(
      await problemsOf(loadConfig(schema, { sources: sourcesOf({ MIN: "22", MAX: "11" }), rules: [ordered] })),
    ).toMatchObject([{ kind: "rule", variable: "MIN", message: "breaks a rule: must not be over the other" }]);
  });

  it("is run for valid values beside others that are not, so that one report holds all", async () => {
    const schema = { MIN: integer(), MAX: integer(), OTHER: port() };
    const load = loadConfig(schema, { sources: sourcesOf({ MIN: "22", MAX: "11", OTHER: "x" }), rules: [ordered] });
    expect((await problemsOf(load)).map(({ kind }) => kind)).toEqual(["rule", "invalid"]);
  });

  it("is not run where one of its values is not valid", async () => {
    const schema = { MIN: integer(), MAX: integer() };
    const always = rule<{ MIN: number; MAX: number }, "MIN" | "MAX">(["MIN", "MAX"], () => "never right");
    const load = loadConfig(schema, { sources: sourcesOf({ MIN: "22", MAX: "x" }), rules: [always] });
    expect((await problemsOf(load)).map(({ variable }) => variable)).toEqual(["MAX"]);
  });

  it("is run on the good fields of an object schema that has bad ones", async () => {
    const schema = z.object({ MIN: z.coerce.number(), MAX: z.coerce.number(), OTHER: z.url() });
    const load = loadConfig(schema, { sources: sourcesOf({ MIN: "22", MAX: "11", OTHER: "x" }), rules: [ordered] });
    expect((await problemsOf(load)).map(({ kind }) => kind)).toEqual(["rule", "invalid"]);
  });

  it("that throws is a problem, and its message is not passed on", async () => {
    const throwing = rule<{ A: boolean }, "A">(["A"], () => {
      throw new RangeError("quotes who knows what");
    });
    const [problem] = await problemsOf(loadConfig({ A: flag() }, { sources: [], rules: [throwing] }));
    expect(problem?.message).toBe("breaks a rule: threw RangeError");
  });

  it("may name a value that its schema lists, but repeats no other", async () => {
    const schema = { STAGE: oneOf(["staging", "production"]), PASS: secret(), NOTE: text() };
    const env = { STAGE: "production", PASS: "correct-horse", NOTE: "an innocent note" };
    const say = (message: (config: { PASS: { reveal(): string }; NOTE: string; STAGE: string }) => string) =>
      problemsOf(
        loadConfig(schema, {
          sources: sourcesOf(env),
          rules: [rule(["STAGE", "PASS", "NOTE"], (config) => message(config))],
        }),
      );
    expect((await say(() => "is too bold for production"))[0]?.message).toBe(
      "breaks a rule: is too bold for production",
    );
    expect((await say(({ PASS }) => `got ${PASS.reveal()}`))[0]?.message).not.toContain("correct");
    expect((await say(({ NOTE }) => `got ${NOTE.slice(0, 12)}`))[0]?.message).not.toContain("innocent");
  });
});

describe("rules and a source that failed", () => {
  it("say nothing of what the source may yet have", async () => {
    const broken = (): never => {
      throw new Error("down");
    };
    const load = loadConfig(schema, { sources: [values({ A: "on" }), broken], rules: [requires("A", "B")] });
    expect((await problemsOf(load)).map(({ kind }) => kind)).toEqual(["source"]);
  });
});
