import { Secret } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { loadConfig, type StandardSchemaV1, type VariableSchemas, values, variable } from "../src/index.ts";
import { parsedAs, problemOf, problemsOf, sourcesOf } from "./support.ts";

type AnyVariable = VariableSchemas[string];

// As TypeScript compiles an enum of numbers.
const Level = { Low: 0, High: 1, 0: "Low", 1: "High" } as const;

const accepted: [name: string, schema: AnyVariable, text: string | undefined, value: unknown][] = [
  ["z.number", z.number(), "3.5", 3.5],
  ["z.int", z.int(), "3", 3],
  ["z.coerce.number", z.coerce.number(), "3", 3],
  ["optional", z.number().optional(), "3", 3],
  ["optional, absent", z.number().optional(), undefined, undefined],
  ["optional, empty", z.number().optional(), "", undefined],
  ["default", z.number().default(3), "4", 4],
  ["default, absent", z.number().default(3), undefined, 3],
  ["prefault, absent", z.number().prefault(3), undefined, 3],
  ["nullable", z.number().nullable(), "3", 3],
  ["readonly", z.number().readonly(), "3", 3],
  ["nonoptional", z.number().optional().nonoptional(), "3", 3],
  ["transform", z.number().transform((n) => n + 1), "3", 4],
  ["pipe", z.number().pipe(z.int()), "3", 3],
  ["refine", z.number().refine((n) => n > 2), "3", 3],
  ["brand", z.number().brand("Port"), "3", 3],
  ["lazy", z.lazy(() => z.number()), "3", 3],
  ["catch, good", z.number().catch(7), "3", 3],
  ["catch, bad", z.number().catch(7), "3x", 7],
  ["catch over coercion, bad", z.coerce.boolean().catch(true), "maybe", true],
  ["z.boolean", z.boolean(), "false", false],
  ["z.coerce.boolean", z.coerce.boolean(), "false", false],
  ["z.coerce.boolean", z.coerce.boolean(), "0", false],
  ["z.stringbool", z.stringbool(), "disabled", false],
  ["z.bigint", z.bigint(), "123456789012345678901234567890", 123456789012345678901234567890n],
  ["z.coerce.bigint", z.coerce.bigint(), "7", 7n],
  ["z.date", z.date(), "2026-01-31", new Date("2026-01-31T00:00:00Z")],
  ["z.date", z.date(), "2026-01-31T12:00:00+02:00", new Date("2026-01-31T10:00:00Z")],
  ["z.literal number", z.literal([80, 443]), "443", 443],
  ["z.literal text", z.literal("443"), "443", "443"],
  ["z.enum", z.enum(["a", "b"]), "b", "b"],
  ["numeric enum", z.enum(Level), "1", Level.High],
  ["union", z.union([z.literal("auto"), z.number()]), "8", 8],
  ["union", z.union([z.literal("auto"), z.number()]), "auto", "auto"],
  ["union with coercion", z.union([z.coerce.number(), z.literal("auto")]), "auto", "auto"],
  ["codec", z.codec(z.string(), z.number(), { decode: (s) => s.length, encode: String }), "abc", 3],
  ["preprocess", z.preprocess((s) => String(s).length, z.number()), "abc", 3],
  ["z.string", z.string(), " 0x10 ", " 0x10 "],
  ["z.unknown", z.unknown(), undefined, undefined],
  ["z.coerce.string, optional", z.coerce.string().optional(), undefined, undefined],
];

const refused: [name: string, schema: AnyVariable, text: string][] = [
  ...["80a", "0x10", "1e3", "+5", "Infinity", "  ", "١"].flatMap((value): [string, AnyVariable, string][] => [
    ["z.number", z.number(), value],
    ["z.coerce.number", z.coerce.number(), value],
    ["wrapped coercion", z.coerce.number().optional().default(1).readonly(), value],
    ["piped coercion", z.coerce.number().pipe(z.int()), value],
    ["union with coercion", z.union([z.coerce.number(), z.literal("auto")]), value],
    ["intersected coercion", z.intersection(z.coerce.number(), z.number()), value],
    ["z.coerce.bigint", z.coerce.bigint(), value],
  ]),
  ["z.coerce.boolean", z.coerce.boolean(), "maybe"],
  ["z.boolean", z.boolean(), "t"],
  ["z.bigint", z.bigint(), "1.5"],
  ["z.date", z.date(), "2026-02-30"],
  ["z.date", z.date(), "2026-02-30T00:00:00Z"],
  ["z.date", z.date(), "2026-01-31T12:00:00"],
  ["z.date", z.date(), "31/01/2026"],
  ["z.coerce.date", z.coerce.date(), "0"],
  ["z.coerce.date", z.coerce.date(), "January"],
  ["z.literal", z.literal(80), "080"],
  ["numeric enum", z.enum(Level), "2"],
  ["numeric enum", z.enum(Level), "High"],
  ["z.number with a limit", z.number().max(3), "4"],
];

describe("zod schemas", () => {
  it.each(accepted.map(([name, schema, given, value]) => ({ name, schema, given, value })))(
    "$name accepts $given",
    async ({ schema, given, value }) => {
      expect(await parsedAs(schema, given)).toEqual(value);
    },
  );

  it.each(refused.map(([name, schema, given]) => ({ name, schema, given })))(
    "$name refuses $given",
    async ({ schema, given }) => {
      expect(await problemOf(schema, given)).toMatchObject({ kind: "invalid" });
    },
  );

  it("are not made a value of nothing by coercion", async () => {
    expect(await problemOf(z.union([z.coerce.string(), z.number()]), undefined)).toMatchObject({ kind: "missing" });
    expect(await problemOf(z.coerce.string().nullable(), undefined)).toMatchObject({ kind: "missing" });
  });

  it("say in their own words what to do about an absent value", async () => {
    const schema = z.string({ error: "ask the data team for one" });
    expect((await problemOf(schema, undefined)).message).toContain("ask the data team for one");
  });

  it("tell what they expect, as far as it shows", async () => {
    expect((await problemOf(z.int().min(1).max(9), "x")).expected).toBe("a whole number (at least 1, at most 9)");
    expect((await problemOf(z.enum(["a", "b", "c"]).optional(), "x")).expected).toBe('one of "a", "b", "c"');
    expect((await problemOf(z.url(), "x")).expected).toBe("a URL");
    expect((await problemOf(z.string().min(3).describe("A name"), "x")).description).toBe("A name");
  });

  it("name the parts of a document that the schema declares, and no others", async () => {
    const schema = z.object({
      servers: z.array(z.object({ port: z.number() })),
      tags: z.record(z.string(), z.number()),
    });
    const { json } = await import("../src/index.ts");
    const { message } = await problemOf(json(schema), '{"servers":[{"port":"x"}],"tags":{"hidden":"y"}}');
    expect(message).toContain("servers[0].port: ");
    expect(message).toContain("tags.…: ");
    expect(message).not.toContain("hidden");
  });

  it("are wrapped into a Secret by variable()", async () => {
    const value = await parsedAs(variable(z.string().min(3), { secret: true }), "abc");
    expect(value).toBeInstanceOf(Secret);
    expect(await parsedAs(variable(z.string().optional(), { secret: true }), undefined)).toBeUndefined();
  });

  it("take metadata from variable()", async () => {
    const schema = variable(z.string(), { description: "A name", example: "ada" });
    expect(await problemOf(schema, undefined)).toMatchObject({ description: "A name", example: "ada" });
  });
});

describe("other validators' schemas", () => {
  const upper = (validate: (value: unknown) => unknown): StandardSchemaV1<unknown, unknown> => ({
    "~standard": { version: 1, vendor: "other", validate: validate as StandardSchemaV1["~standard"]["validate"] },
  });

  it("get the text as it is", async () => {
    expect(
      await parsedAs(
        upper((value) => ({ value })),
        "0x10",
      ),
    ).toBe("0x10");
  });

  it("are waited for", async () => {
    const schema = upper(async (value) => ({ value: `${value}!` }));
    expect(await parsedAs(schema, "a")).toBe("a!");
    expect(
      await problemOf(
        upper(async () => ({ issues: [{ message: "no" }] })),
        "a",
      ),
    ).toMatchObject({ kind: "invalid" });
  });

  it("that throw or reject are a problem of their variable", async () => {
    const throwing = upper(() => {
      throw new TypeError("boom");
    });
    expect((await problemOf(throwing, "a")).message).toContain("made its validator throw TypeError");
    expect(
      (
        await problemOf(
          upper(async () => Promise.reject(new RangeError("boom"))),
          "a",
        )
      ).message,
    ).toContain("RangeError");
  });
});

describe("an object schema", () => {
  it("gives what it makes of its fields, with strict parsing", async () => {
    const schema = z.object({
      PORT: z.coerce.number().default(80),
      NAME: z.string().transform((s) => s.toUpperCase()),
    });
    expect(await loadConfig(schema, { sources: sourcesOf({ NAME: "ada" }) })).toEqual({ PORT: 80, NAME: "ADA" });
    expect(await problemsOf(loadConfig(schema, { sources: sourcesOf({ NAME: "ada", PORT: "0x10" }) }))).toMatchObject([
      { variable: "PORT", kind: "invalid" },
    ]);
  });

  it("runs a field's transform once", async () => {
    let runs = 0;
    const schema = z.object({
      A: z.string().transform((s) => {
        runs++;
        return s;
      }),
    });
    await loadConfig(schema, { sources: sourcesOf({ A: "x" }) });
    expect(runs).toBe(1);
  });

  it("holds its refinements, under a field or as a whole", async () => {
    const schema = z
      .object({ MIN: z.number(), MAX: z.number() })
      .refine((all) => all.MIN <= all.MAX, { path: ["MIN"], message: "must not be over the other" })
      .refine((all) => all.MAX < 100, { message: "too much in all" });
    const problems = await problemsOf(loadConfig(schema, { sources: sourcesOf({ MIN: "700", MAX: "600" }) }));
    expect(problems).toMatchObject([
      { kind: "rule", variable: "MIN", message: "is not valid: must not be over the other" },
      { kind: "rule", message: "is not valid: too much in all" },
    ]);
  });

  it("reports every bad field at once", async () => {
    const schema = z.object({ A: z.number(), B: z.url(), C: z.coerce.string(), D: z.string() });
    const problems = await problemsOf(loadConfig(schema, { sources: sourcesOf({ A: "x", B: "y", D: "z" }) }));
    expect(problems.map(({ variable, kind }) => [variable, kind])).toEqual([
      ["A", "invalid"],
      ["B", "invalid"],
      ["C", "missing"],
    ]);
  });

  it("is not made a field of nothing by coercion", async () => {
    const schema = z.object({ A: z.coerce.string(), B: z.coerce.boolean() });
    expect(await problemsOf(loadConfig(schema, { sources: sourcesOf({ B: "true" }) }))).toMatchObject([
      { kind: "missing", variable: "A" },
    ]);
    expect(await problemsOf(loadConfig(schema, { sources: sourcesOf({ A: "a" }) }))).toMatchObject([
      { kind: "missing", variable: "B" },
    ]);
  });

  it("does not take an optional field that can't be read for an absent one", async () => {
    const sources = [() => ({ A: { problem: "has no current version" } })];
    const problems = await problemsOf(loadConfig(z.object({ A: z.string().optional() }), { sources }));
    expect(problems).toMatchObject([{ kind: "unreadable", variable: "A" }]);
  });

  it("may be strict or loose, and never sees another variable", async () => {
    const sources = sourcesOf({ A: "a", OTHER: "b" });
    expect(await loadConfig(z.strictObject({ A: z.string() }), { sources })).toEqual({ A: "a" });
    expect(await loadConfig(z.looseObject({ A: z.string() }), { sources })).toEqual({ A: "a" });
  });

  it("leaves an absent field out, as exactOptional wants it", async () => {
    const schema = z.object({ A: z.string().exactOptional(), B: z.string().optional() });
    expect(await loadConfig(schema, { sources: [values({})] })).toEqual({ A: undefined, B: undefined });
  });

  it("that throws in a refinement is a problem, not an exception", async () => {
    const schema = z.object({ A: z.string() }).refine(() => {
      throw new Error("boom");
    });
    expect(await problemsOf(loadConfig(schema, { sources: sourcesOf({ A: "a" }) }))).toMatchObject([{ kind: "rule" }]);
  });

  it("with an asynchronous refinement is waited for", async () => {
    const schema = z.object({ A: z.string() }).refine(async () => false, { message: "later" });
    expect(await problemsOf(loadConfig(schema, { sources: sourcesOf({ A: "a" }) }))).toMatchObject([
      { kind: "rule", message: "is not valid: later" },
    ]);
  });
});
