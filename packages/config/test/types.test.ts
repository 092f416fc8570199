import type { Rate, Secret } from "@holdfast/core";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  boolean,
  type Config,
  duration,
  exactlyOneOf,
  flag,
  integer,
  json,
  key,
  list,
  loadConfig,
  oneOf,
  port,
  rate,
  requires,
  rule,
  secret,
  text,
  url,
  type Variable,
  values,
  variable,
  when,
} from "../src/index.ts";

// Never called: what it is about is whether and how it compiles.
const never = (_: () => unknown): void => {};
const sources = [values({})];

describe("the types", () => {
  it("of our schemas are those of the values", async () => {
    const schema = {
      PORT: port(),
      URL: url().optional(),
      LEVEL: oneOf(["debug", "info"]),
      WAIT: duration().default(5),
      RATE: rate(),
      TAGS: list(),
      PORTS: list({ of: port() }),
      DOC: json(z.object({ a: z.number() })),
      ANY: json(),
      TOKEN: secret(),
      KEY: key().devDefault("text"),
      FLAG: flag(),
      HINT: text().recommended("it helps"),
      HINTED: text().default("a").recommended("it helps"),
      MAYBE: boolean().optional().describe("?"),
    };
    never(async () => {
      const config = await loadConfig(schema, { sources });
      expectTypeOf(config.PORT).toEqualTypeOf<number>();
      expectTypeOf(config.URL).toEqualTypeOf<string | undefined>();
      expectTypeOf(config.LEVEL).toEqualTypeOf<"debug" | "info">();
      expectTypeOf(config.WAIT).toEqualTypeOf<number>();
      expectTypeOf(config.RATE).toExtend<Rate>();
      expectTypeOf(config.TAGS).toEqualTypeOf<readonly string[]>();
      expectTypeOf(config.PORTS).toEqualTypeOf<readonly number[]>();
      expectTypeOf(config.DOC).toEqualTypeOf<{ a: number }>();
      expectTypeOf(config.ANY).toEqualTypeOf<unknown>();
      expectTypeOf(config.TOKEN).toEqualTypeOf<Secret>();
      expectTypeOf(config.KEY).toEqualTypeOf<Secret>();
      expectTypeOf(config.FLAG).toEqualTypeOf<boolean>();
      expectTypeOf(config.HINT).toEqualTypeOf<string | undefined>();
      expectTypeOf(config.HINTED).toEqualTypeOf<string>();
      expectTypeOf(config.MAYBE).toEqualTypeOf<boolean | undefined>();
      // @ts-expect-error a configuration is read-only
      config.PORT = 1;
      // @ts-expect-error only what is declared is there
      config.OTHER;
    });
  });

  it("of zod's schemas are those of their output", () => {
    const schema = {
      A: z.coerce.number(),
      B: z.string().optional(),
      C: z.string().transform((s) => s.length),
      D: variable(z.string(), { secret: true }),
      E: variable(z.string().optional(), { secret: true }),
      F: variable(url(), { secret: true, description: "with a password" }),
      G: variable(z.number(), { devDefault: 3 }),
    };
    never(async () => {
      const config = await loadConfig(schema);
      expectTypeOf(config.A).toEqualTypeOf<number>();
      expectTypeOf(config.B).toEqualTypeOf<string | undefined>();
      expectTypeOf(config.C).toEqualTypeOf<number>();
      expectTypeOf(config.D).toEqualTypeOf<Secret<string>>();
      expectTypeOf(config.E).toEqualTypeOf<Secret<string> | undefined>();
      expectTypeOf(config.F).toEqualTypeOf<Secret<string>>();
      expectTypeOf(config.G).toEqualTypeOf<number>();
    });
  });

  it("of an object schema are those of its output", () => {
    const schema = z.object({ A: z.coerce.number(), B: z.string().default("b") }).refine(() => true);
    never(async () => {
      const config = await loadConfig(schema);
      expectTypeOf(config.A).toEqualTypeOf<number>();
      expectTypeOf(config.B).toEqualTypeOf<string>();
    });
  });

  it("of variables that a condition adds allow for their absence", () => {
    never(async () => {
      const config = await loadConfig(
        { EMBED: flag(), SMTP: flag() },
        { rules: [when("EMBED", { EMBED_KEY: key() }), requires("EMBED", "SMTP"), when("SMTP", { HOST: z.string() })] },
      );
      expectTypeOf(config.EMBED_KEY).toEqualTypeOf<Secret | undefined>();
      expectTypeOf(config.HOST).toEqualTypeOf<string | undefined>();
    });
  });

  it("hold rules to the names of the schema", () => {
    const schema = { A: port(), B: text().optional() };
    never(() => loadConfig(schema, { rules: [requires("B", "A"), exactlyOneOf("A", "B")] }));
    // @ts-expect-error no such name
    never(() => loadConfig(schema, { rules: [requires("B", "C")] }));
    // @ts-expect-error no such name
    never(() => loadConfig(schema, { rules: [when("C", {})] }));
  });

  it("give a rule of one's own the values that it names", () => {
    never(() =>
      loadConfig(
        { MIN: integer(), MAX: integer(), NAME: text() },
        {
          rules: [
            rule(["MIN", "MAX"], (config) => {
              expectTypeOf(config.MIN).toEqualTypeOf<number>();
              // @ts-expect-error not named
              config.NAME;
              return config.MIN > config.MAX ? "must not be over MAX" : undefined;
            }),
          ],
        },
      ),
    );
  });

  it("refuse a default of another type", () => {
    never(() => port().default(3000).devDefault(1));
    // @ts-expect-error not a number
    never(() => port().default("3000"));
    // @ts-expect-error not one of the choices
    never(() => oneOf(["a", "b"]).default("c"));
    // @ts-expect-error a secret's default is its text
    never(() => secret().default(3));
  });

  it("of a watch's callback are those of the configuration", () => {
    never(async () => {
      const config = await loadConfig({ A: port() });
      const watch = config.watch({
        interval: "1m",
        onChange: (next, changed) => {
          expectTypeOf(next.A).toEqualTypeOf<number>();
          expectTypeOf(changed).toEqualTypeOf<readonly "A"[]>();
        },
        onError: (_error, { staleMs }) => expectTypeOf(staleMs).toEqualTypeOf<number>(),
      });
      expectTypeOf(watch.current.A).toEqualTypeOf<number>();
    });
  });

  it("can be written down", () => {
    expectTypeOf<Config<{ A: Variable<number, "required"> }>["A"]>().toEqualTypeOf<number>();
  });
});
