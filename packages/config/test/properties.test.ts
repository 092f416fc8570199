import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { declare } from "../src/declaration.ts";
import {
  boolean,
  bytes,
  ConfigError,
  duration,
  exactlyOneOf,
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
  requires,
  secret,
  text,
  url,
  values,
  variable,
} from "../src/index.ts";
import { formatValue } from "../src/words.ts";
import { everyForm } from "./support.ts";

const schema = {
  NUMBER: number({ min: -5, max: 5 }),
  INTEGER: integer(),
  PORT: port(),
  DURATION: duration({ max: "1h" }),
  BYTES: bytes(),
  RATE: rate(),
  BOOLEAN: boolean(),
  FLAG: flag(),
  ONE_OF: oneOf(["a", "b"]),
  TEXT: text({ maxLength: 10, pattern: /^[^x]/ }),
  URL: url(),
  LIST: list({ of: port() }),
  JSON: json(z.object({ a: z.array(z.number()) })),
  SECRET: secret({ minLength: 8 }),
  KEY: key(),
  Z_STRING: z.string().min(3, { error: (issue) => `bad ${issue.input}` }),
  Z_NUMBER: z.coerce.number().int(),
  Z_UNION: z.union([z.boolean(), z.number(), z.literal("auto")]),
  Z_DATE: z.date(),
  HIDDEN: variable(z.string().max(3), { secret: true }),
};
const names = Object.keys(schema) as (keyof typeof schema)[];

/** As fast-check's unit "binary", any code point that is no half of a pair; that one takes seconds to list them all first. */
const character = fc.nat({ max: 0x10f7ff }).map(characterOf, numberOf);

function characterOf(number: number): string {
  return String.fromCodePoint(number < 0xd800 ? number : number + 0x800);
}

/** Without it fast-check would leave out its texts of ill repute, such as `__proto__`. */
function numberOf(text: unknown): number {
  const point = String(text).codePointAt(0) ?? 0;
  const number = point < 0xd800 ? point : point - 0x800;
  if (characterOf(number) !== text) throw new Error("not one character");
  return number;
}

// Text of the kinds that environments hold, and of no kind at all.
const anyText = fc.oneof(
  fc.string({ unit: character, maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    "",
    " ",
    "0",
    "1",
    "true",
    "a,b",
    "{}",
    '{"a":[1]}',
    "60s",
    "8MiB",
    "60/minute",
    "https://a.example",
    "NaN",
  ),
  fc.integer().map(String),
  fc.double().map(String),
  fc.json(),
  fc.webUrl(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);

describe("whatever the environment holds", () => {
  it("loadConfig gives a frozen configuration or throws a ConfigError, and nothing else", async () => {
    const environment = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.option(anyText, { nil: undefined })])),
    );
    await fc.assert(
      fc.asyncProperty(environment, fc.boolean(), async (env, production) => {
        const rules = [requires("FLAG", "TEXT"), exactlyOneOf("FLAG", "BOOLEAN")];
        const outcome = await loadConfig(schema, { sources: [processEnv({ env })], production, rules }).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof ConfigError) {
          expect(outcome.code).toBe("CONFIG_INVALID");
          expect(outcome.problems.length).toBeGreaterThan(0);
        } else expect(Object.isFrozen(outcome)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("no form of the error repeats a value", async () => {
    // No run of four letters of these is met in any text of ours.
    const strange = fc.string({ unit: fc.constantFrom(..."ŽœŸßøĦŊŋŦŧ"), minLength: 6, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(strange, strange, strange, async (before, value, after) => {
        const given = `${before}${value}"\\ ${after}`;
        const env = Object.fromEntries(names.map((name) => [name, given]));
        const error = await loadConfig(schema, { sources: [values(env)], production: true }).catch(
          (cause: unknown) => cause,
        );
        const printed = everyForm(error);
        expect(printed).toContain("ConfigError");
        for (let at = 0; at + 4 <= value.length; at++) expect(printed).not.toContain(value.slice(at, at + 4));
      }),
      { numRuns: 100 },
    );
  });
});

describe("a value written out reads back as itself", () => {
  const roundTrips = async <Value>(
    name: keyof typeof schema,
    arbitrary: fc.Arbitrary<Value>,
    own = schema[name],
  ): Promise<void> => {
    const spec = declare({ [name]: own }, []).variables.get(name)!;
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const config = await loadConfig({ X: own }, { sources: [values({ X: formatValue(spec, value) })] });
        expect((config as { X: unknown }).X).toEqual(value);
      }),
    );
  };

  it("a duration", () => roundTrips("DURATION", fc.nat({ max: 3_600_000 })));
  it("a size", () => roundTrips("BYTES", fc.maxSafeNat()));
  it("a rate", () =>
    roundTrips("RATE", fc.record({ limit: fc.integer({ min: 1 }), window: fc.integer({ min: 1, max: 1e9 }) })));
  it("a whole number", () =>
    roundTrips(
      "INTEGER",
      fc.maxSafeInteger().map((value) => value + 0),
    ));
  it("a number with up to twelve decimals", () =>
    roundTrips(
      "NUMBER",
      fc.integer({ min: -5e12, max: 5e12 }).map((value) => Number((value / 1e12).toFixed(12)) + 0),
    ));
  it("a boolean", () => roundTrips("BOOLEAN", fc.boolean()));
  it("a list of ports", () => roundTrips("LIST", fc.array(fc.integer({ min: 1, max: 65535 }), { minLength: 1 })));
  it("a JSON document", () => {
    const document = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
    return roundTrips(
      "JSON",
      document.map((value) => JSON.parse(JSON.stringify(value))),
      json() as never,
    );
  });
});
