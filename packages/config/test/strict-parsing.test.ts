import { Secret } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  boolean,
  bytes,
  duration,
  flag,
  integer,
  json,
  list,
  number,
  oneOf,
  port,
  rate,
  secret,
  text,
  url,
  type VariableSchemas,
} from "../src/index.ts";
import { parsedAs, problemOf } from "./support.ts";

type AnyVariable = VariableSchemas[string];

const accepted: [name: string, schema: AnyVariable, text: string, value: unknown][] = [
  ["number", number(), "0.25", 0.25],
  ["number", number(), "-3", -3],
  ["number", number(), "-0", 0],
  ["number", number({ min: 1, max: 2 }), "2", 2],
  ["integer", integer(), "9007199254740991", Number.MAX_SAFE_INTEGER],
  ["port", port(), "80", 80],
  ["port", port(), "65535", 65535],
  ["duration", duration(), "1.5h", 5_400_000],
  ["duration", duration({ min: "1s", max: "1m" }), "60s", 60_000],
  ["bytes", bytes(), "8MiB", 8 * 2 ** 20],
  ["bytes", bytes({ max: "1kB" }), "512B", 512],
  ["rate", rate(), "60/minute", { limit: 60, window: 60_000 }],
  ["boolean", boolean(), "TRUE", true],
  ["boolean", boolean(), "yes", true],
  ["boolean", boolean(), "On", true],
  ["boolean", boolean(), "1", true],
  ["boolean", boolean(), "false", false],
  ["boolean", boolean(), "No", false],
  ["boolean", boolean(), "OFF", false],
  ["boolean", boolean(), "0", false],
  ["flag", flag(), "on", true],
  ["flag", flag(), "", false],
  ["oneOf", oneOf(["debug", "info"]), "info", "info"],
  ["text", text({ minLength: 2, maxLength: 3, pattern: /^a/ }), "abc", "abc"],
  ["text", text(), "two words", "two words"],
  ["url", url(), "https://example.com/a?b#c", "https://example.com/a?b#c"],
  ["url", url({ protocols: ["postgres"] }), "postgres://u:p@db:5432/app", "postgres://u:p@db:5432/app"],
  ["url", url({ protocols: ["file:"] }), "file:///tmp/x", "file:///tmp/x"],
  ["list", list(), "a, b,c", ["a", "b", "c"]],
  ["list", list({ of: port(), separator: ";" }), "80;443", [80, 443]],
  ["list", list({ of: z.coerce.number() }), "1,2", [1, 2]],
  ["json", json(), ' {"a": [1, null]} ', { a: [1, null] }],
  ["json", json(z.object({ a: z.number() })), '{"a":1}', { a: 1 }],
];

const refused: [name: string, schema: AnyVariable, text: string][] = [
  ...[
    "80a",
    "0x10",
    "1e3",
    "+5",
    "Infinity",
    "NaN",
    ".5",
    "5.",
    "007",
    "1_000",
    "1,5",
    "--1",
    " 5",
    "5 ",
    "٣",
    "9007199254740993",
  ].map((value): [string, AnyVariable, string] => ["number", number(), value]),
  ["number", number({ min: 1 }), "0.99"],
  ["number", number({ max: 1 }), "1.01"],
  ["integer", integer(), "1.5"],
  ["integer", integer(), "1.0"],
  ["integer", integer(), "9007199254740992"],
  ["port", port(), "0"],
  ["port", port(), "65536"],
  ["port", port(), "-1"],
  ["port", port(), "80\n"],
  ["duration", duration(), "5000"],
  ["duration", duration(), "5 minutes"],
  ["duration", duration({ min: "1s" }), "999ms"],
  ["duration", duration({ max: "1m" }), "61s"],
  ["bytes", bytes(), "8"],
  ["bytes", bytes(), "8mb"],
  ["bytes", bytes({ min: "1KiB" }), "1kB"],
  ["rate", rate(), "60"],
  ["rate", rate(), "0/minute"],
  ["boolean", boolean(), "maybe"],
  ["boolean", boolean(), "2"],
  ["boolean", boolean(), " true"],
  ["flag", flag(), "y"],
  ["oneOf", oneOf(["debug", "info"]), "Info"],
  ["oneOf", oneOf(["debug", "info"]), "toString"],
  ["text", text(), " a"],
  ["text", text(), "a\n"],
  ["text", text(), "   "],
  ["text", text({ minLength: 2 }), "a"],
  ["text", text({ maxLength: 2 }), "abc"],
  ["text", text({ pattern: /^\d+$/ }), "12a"],
  ["url", url(), "localhost:3000"],
  ["url", url(), "/path"],
  ["url", url(), "https://"],
  ["url", url(), "https://exa mple.com"],
  ["url", url(), "https://example.com/\tx"],
  ["url", url({ protocols: ["https"] }), "http://example.com"],
  ["secret", secret({ minLength: 4 }), "abc"],
  ["secret", secret(), "abc "],
  ["list", list(), "a,,b"],
  ["list", list(), "a,"],
  ["list", list({ of: port() }), "80,x"],
  ["json", json(), "{a: 1}"],
  ["json", json(), "'a'"],
  ["json", json(), '{"a":{"__proto__":{"admin":true}}}'],
  ["json", json(), '{"\\u005f_proto__":1}'],
  ["json", json(z.object({ a: z.number() })), '{"a":"1"}'],
];

describe("text is read strictly", () => {
  it.each(accepted.map(([name, schema, given, value]) => ({ name, schema, given, value })))(
    "$name accepts $given",
    async ({ schema, given, value }) => {
      expect(await parsedAs(schema, given)).toEqual(value);
    },
  );

  it.each(refused.map(([name, schema, given]) => ({ name, schema, given })))(
    "$name refuses $given",
    async ({ schema, given }) => {
      expect(await problemOf(schema, given)).toMatchObject({ kind: "invalid", variable: "X" });
    },
  );

  it("gives a secret as a Secret that reveals the very text", async () => {
    const value = await parsedAs(secret({ minLength: 4 }), "pa$$ word");
    expect(value).toBeInstanceOf(Secret);
    expect((value as Secret).reveal()).toBe("pa$$ word");
  });

  it.each([
    ["number", number()],
    ["text", text()],
    ["boolean", boolean()],
    ["list", list()],
    ["json", json()],
    ["secret", secret()],
    ["z.string", z.string()],
    ["z.coerce.string", z.coerce.string()],
    ["z.coerce.number", z.coerce.number()],
    ["z.coerce.boolean", z.coerce.boolean()],
    ["z.coerce.date", z.coerce.date()],
  ])("an empty string is a missing value for %s", async (_, schema) => {
    expect(await problemOf(schema, "")).toMatchObject({ kind: "missing", message: "is set but empty" });
    expect(await problemOf(schema, undefined)).toMatchObject({ kind: "missing", message: "is not set" });
  });

  it("tells white space and quotes, which people overlook, in the shape of what was found", async () => {
    expect((await problemOf(port(), "80\n")).message).toContain("found 3 characters, white space at its end");
    expect((await problemOf(port(), '"80"')).message).toContain("found 4 characters, quotes around it");
    expect((await problemOf(port(), "x")).message).toContain("found 1 character)");
  });

  it("keeps a pattern's flags from making two loads differ", async () => {
    const schema = text({ pattern: /^a/gy });
    expect(await parsedAs(schema, "abc")).toBe("abc");
    expect(await parsedAs(schema, "abc")).toBe("abc");
  });

  it("names the items of a list that are wrong", async () => {
    const { message } = await problemOf(list({ of: port() }), "80,x,443,y");
    expect(message).toContain("item 2 is not a port number");
    expect(message).toContain("item 4 is not a port number");
  });

  it("bears JSON that nests deeper than the stack", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    await parsedAs(json(), deep).catch((error: unknown) => expect(error).toMatchObject({ code: "CONFIG_INVALID" }));
  });
});
