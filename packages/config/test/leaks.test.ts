// A value that is mistyped is still a secret. None of what follows may print it, in whole, in part or in another form.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  boolean,
  bytes,
  duration,
  envFile,
  flag,
  integer,
  json,
  key,
  list,
  loadConfig,
  number,
  oneOf,
  port,
  processEnv,
  rate,
  rule,
  type StandardSchemaV1,
  secret,
  text,
  url,
  type VariableSchemas,
  values,
  variable,
} from "../src/index.ts";
import { everyForm, failureOf } from "./support.ts";

// No run of four of its characters occurs in any text of ours, in paths of this folder, or in a stack.
const SECRET = "Zq7_Xv9!Kw3&Jy5";

/** Everything that must not appear: the value, and each part of it of four characters, in every form it may take. */
function formsOf(value: string): string[] {
  const parts = [value];
  for (let at = 0; at + 4 <= value.length; at++) parts.push(value.slice(at, at + 4));
  return [
    ...parts,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("hex"),
  ].map((form) => form.toLowerCase());
}

function expectClean(printed: string, value = SECRET): void {
  const lower = printed.toLowerCase();
  expect(formsOf(value).filter((form) => lower.includes(form))).toEqual([]);
}

/** The error of a load, in all the ways in which it gets printed. */
async function printedFailure(schema: VariableSchemas, env: Readonly<Record<string, string>>): Promise<string> {
  const error = await failureOf(loadConfig(schema, { sources: [processEnv({ env })], production: true }));
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  log.error(error, "failed");
  log.error({ error, json: error.toJSON() }, "failed");
  return everyForm(error) + lines.join("");
}

const other = (issue: (value: unknown) => string): StandardSchemaV1<unknown, string> => ({
  "~standard": { version: 1, vendor: "other", validate: (value) => ({ issues: [{ message: issue(value) }] }) },
});

const throwing: StandardSchemaV1<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "other",
    validate: (value) => {
      throw new Error(`threw on ${value}`, { cause: { value } });
    },
  },
};

const kinds: [name: string, schema: VariableSchemas[string], given: string][] = [
  ["number", number(), SECRET],
  ["integer", integer(), SECRET],
  ["port", port(), SECRET],
  ["duration", duration(), SECRET],
  ["bytes", bytes(), SECRET],
  ["rate", rate(), SECRET],
  ["boolean", boolean(), SECRET],
  ["flag", flag(), SECRET],
  ["oneOf", oneOf(["debug", "info"]), SECRET],
  ["text, too short", text({ minLength: 99 }), SECRET],
  ["text, too long", text({ maxLength: 1 }), SECRET],
  ["text, white space", text(), `${SECRET} `],
  ["text, pattern", text({ pattern: /^x/ }), SECRET],
  ["url", url(), SECRET],
  ["url with a password, wrong scheme", url({ protocols: ["postgres"] }), `mysql://app:${SECRET}@db/app`],
  ["url with a password, no host", url(), `postgres://app:${SECRET}@`],
  ["secret, too short", secret({ minLength: 99 }), SECRET],
  ["secret, white space", secret(), `${SECRET}\n`],
  ["key, too short", key(), SECRET],
  ["key, weak", key({ minBytes: 8 }), `changeme-${SECRET}`],
  ["key, wrong encoding", key({ encoding: "hex" }), SECRET],
  ["key, its development default", key({ minBytes: 8 }).devDefault(SECRET), SECRET],
  ["list of numbers", list({ of: port() }), `80,${SECRET}`],
  ["list of zod", list({ of: z.string().max(3, { error: (issue) => `bad ${issue.input}` }) }), `a,${SECRET}`],
  ["json, malformed", json(), `{"password": ${SECRET}}`],
  ["json, cut short", json(), `{"password": "${SECRET}`],
  ["json of a schema", json(z.object({ password: z.number() })), `{"password":"${SECRET}"}`],
  ["json with an unknown key", json(z.strictObject({})), `{"${SECRET}":1}`],
  ["json with a bad key of a record", json(z.record(z.string().max(3), z.number())), `{"${SECRET}":1}`],
  ["json, key in the path", json(z.record(z.string(), z.number())), `{"${SECRET}":"x"}`],
  [
    "json whose schema quotes it",
    json(z.object({ a: z.string().max(3, { error: (i) => `bad ${i.input}` }) })),
    `{"a":"${SECRET}"}`,
  ],
  ["z.number", z.number(), SECRET],
  ["z.coerce.number", z.coerce.number(), SECRET],
  ["z.boolean", z.boolean(), SECRET],
  ["z.bigint", z.bigint(), SECRET],
  ["z.date", z.date(), SECRET],
  ["z.enum", z.enum(["a", "b"]), SECRET],
  ["z.literal", z.literal("a"), SECRET],
  ["z.url", z.url(), SECRET],
  ["z.email", z.email(), SECRET],
  ["z.union", z.union([z.number(), z.literal("a")]), SECRET],
  ["z.string, too long", z.string().max(3), SECRET],
  ["z.string with its input in the message", z.string().max(3, { error: (i) => `not "${i.input}"` }), SECRET],
  ["… in capitals", z.string().max(3, { error: (i) => `not ${String(i.input).toUpperCase()}` }), SECRET],
  ["… as JSON", z.string().max(3, { error: (i) => JSON.stringify({ got: i.input }) }), `${SECRET}"\\`],
  ["… as a URL part", z.string().max(3, { error: (i) => encodeURIComponent(String(i.input)) }), SECRET],
  ["… as base64", z.string().max(3, { error: (i) => Buffer.from(String(i.input)).toString("base64") }), SECRET],
  ["… its first half", z.string().max(3, { error: (i) => `not ${String(i.input).slice(0, 7)}…` }), SECRET],
  [
    "… its ends",
    z.string().max(3, { error: (i) => `${String(i.input).slice(0, 4)}…${String(i.input).slice(-3)}` }),
    SECRET,
  ],
  [
    "z.refine with its input",
    z.string().superRefine((v, c) => c.addIssue({ code: "custom", message: v, params: { v } })),
    SECRET,
  ],
  ["z.number with its input", z.number().max(3, { error: (i) => `not ${i.input}` }), "918273645"],
  [
    "zod that throws with its input",
    z.string().refine((v) => {
      throw new Error(v);
    }),
    SECRET,
  ],
  ["variable(zod), secret", variable(z.string().max(3, { error: (i) => `not ${i.input}` }), { secret: true }), SECRET],
  [
    "variable(url), secret",
    variable(url({ protocols: ["postgres"] }), { secret: true }),
    `mysql://app:${SECRET}@db/app`,
  ],
  ["another validator", other((value) => `got ${value}`), SECRET],
  ["another validator that throws", throwing, SECRET],
];

describe("a refused value is in no form of the error", () => {
  it.each(kinds.map(([name, schema, given]) => ({ name, schema, given })))("$name", async ({ schema, given }) => {
    const printed = await printedFailure({ VALUE: schema }, { VALUE: given });
    expect(printed).toContain("VALUE");
    expectClean(printed, given.includes(SECRET) ? SECRET : given);
  });

  it("nor where it stands in a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-leaks-"));
    const path = join(folder, "value");
    await writeFile(path, `${SECRET}\n`);
    expectClean(await printedFailure({ VALUE: port() }, { VALUE_FILE: path }));
    await writeFile(path, Buffer.concat([Buffer.from(SECRET), Buffer.from([0xff])]));
    expectClean(await printedFailure({ VALUE: port() }, { VALUE_FILE: path }));
    await writeFile(path, `VALUE=${SECRET}\nUNCLOSED="${SECRET}`);
    const error = await failureOf(loadConfig({ VALUE: port(), UNCLOSED: port() }, { sources: [envFile(path)] }));
    expectClean(everyForm(error));
    await rm(folder, { recursive: true });
  });

  it("nor where NAME and NAME_FILE are both set", async () => {
    expectClean(await printedFailure({ VALUE: secret() }, { VALUE: SECRET, VALUE_FILE: "/dev/null" }));
  });

  it("nor in a rule's message, nor in what a rule throws", async () => {
    const sources = [values({ A: SECRET, B: SECRET })];
    const rules = [
      rule<{ A: unknown }, "A">(["A"], ({ A }) => `A is ${A}`),
      rule<{ B: { reveal(): string } }, "B">(["B"], ({ B }) => `B is ${B.reveal().slice(3)}`),
      rule<{ A: unknown }, "A">(["A"], ({ A }) => {
        throw new Error(`A is ${A}`, { cause: A });
      }),
    ];
    const error = await failureOf(loadConfig({ A: text(), B: secret() }, { sources, rules: rules as never }));
    expect(error.problems).toHaveLength(3);
    expectClean(everyForm(error));
  });

  it("nor in a refinement of an object schema", async () => {
    const schema = z.object({ A: z.string(), B: z.string() }).superRefine((all, context) => {
      context.addIssue({ code: "custom", message: `A is ${all.A}` });
      context.addIssue({ code: "custom", path: ["B"], message: JSON.stringify(all) });
    });
    const error = await failureOf(loadConfig(schema, { sources: [values({ A: SECRET, B: "b" })] }));
    expect(error.problems).toHaveLength(2);
    expectClean(everyForm(error));
  });

  it("nor in the failure of a source that quotes what another one gave, or a URL with a password", async () => {
    const sources = [
      values({ A: SECRET }),
      () => Promise.reject(new Error(`cannot log in with ${SECRET}`, { cause: SECRET })),
      () => Promise.reject(new Error("GET https://app:Hj4-Rt6-Lp8@vault.example/v1?token=Nb2-Gf1-Mm0 failed")),
    ];
    const error = await failureOf(loadConfig({ A: text() }, { sources }));
    expectClean(everyForm(error));
    expectClean(everyForm(error), "Hj4-Rt6-Lp8");
    expectClean(everyForm(error), "Nb2-Gf1-Mm0");
  });
});

describe("a valid secret is in no form of the configuration", () => {
  it("nor of its explanation, nor in a start-up warning", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
    const schema = {
      A: secret(),
      B: key({ minBytes: 8 }),
      C: variable(z.string(), { secret: true }),
      D: variable(url(), { secret: true }),
      E: secret().devDefault(SECRET),
    };
    const env = { A: SECRET, B: `changeme-${SECRET}`, C: SECRET, D: `postgres://app:${SECRET}@db/app` };
    const config = await loadConfig(schema, { sources: [values(env)], production: false, logger });
    logger.info({ config, explanation: config.explain() }, "started");
    logger.info(config, "started");
    expect(lines).toHaveLength(3);
    expectClean(lines.join(""));
    expectClean(everyForm(config) + everyForm(config.explain()) + everyForm({ ...config }));
    expectClean(
      inspect(config.watch({ interval: "1d", onChange() {}, onError() {} }), { showHidden: true, depth: null }),
    );
  });

  it("nor, inside a URL or under a telling name, of its explanation", async () => {
    const env = {
      DATABASE_URL: `postgres://app:${SECRET}@db/app`,
      API_TOKEN: SECRET,
      SERVICE: `https://a/?access_token=${SECRET}`,
    };
    const schema = { DATABASE_URL: url(), API_TOKEN: z.string(), SERVICE: z.string() };
    const config = await loadConfig(schema, { sources: [values(env)] });
    expectClean(everyForm(config.explain()));
  });
});

describe("the command line prints no value", () => {
  const cli = new URL("../src/cli.ts", import.meta.url).pathname;
  const entry = new URL("../src/index.ts", import.meta.url).href;

  async function run(command: string, env: Readonly<Record<string, string>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-leaks-"));
    const file = join(folder, "schema.ts");
    await writeFile(
      file,
      `import { key, port, secret, text, url } from ${JSON.stringify(entry)};
       export const schema: unknown = { PORT: port(), TOKEN: secret(), SIGNING: key({ minBytes: 8 }).devDefault("${SECRET}"), DATABASE_URL: url(), API_KEY: text() };`,
    );
    const printed = await new Promise<string>((resolve) => {
      execFile(process.execPath, [cli, ...command.split(" "), file], { env: { ...env } }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    await rm(folder, { recursive: true });
    return printed;
  }

  const good = { PORT: "80", TOKEN: SECRET, DATABASE_URL: `postgres://app:${SECRET}@db/app`, API_KEY: SECRET };

  it.each(["check", "explain", "explain --json", "example", "docs"])("of %s", async (command) => {
    for (const env of [good, { ...good, PORT: SECRET, DATABASE_URL: `postgres//app:${SECRET}@db` }]) {
      const printed = await run(command, env);
      expect(printed).not.toBe("");
      expectClean(printed);
    }
  });
});
