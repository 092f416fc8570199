import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { pino } from "pino";
import { describe, expect, expectTypeOf, it } from "vitest";
import { Secret } from "../src/index.ts";

const VALUE = "correct-horse-battery";

/** Each way in which a value finds its way into text by accident. */
const leaks: Record<string, (secret: Secret) => string> = {
  "String()": (secret) => String(secret),
  "a template": (secret) => `${secret}`,
  concatenation: (secret) => "key: ".concat(secret as unknown as string),
  "Array.join": (secret) => [secret, "x"].join(),
  "JSON.stringify": (secret) => JSON.stringify({ secret, list: [secret] }),
  "util.inspect": (secret) => inspect(secret),
  "util.inspect of what holds it, however deep": (secret) => inspect({ a: { b: { c: [secret] } } }, { depth: null }),
  "util.inspect with showHidden": (secret) => inspect({ secret }, { showHidden: true, depth: null, getters: true }),
  "util.inspect without custom functions": (secret) => inspect(secret, { customInspect: false, showHidden: true }),
  "util.inspect in a Map and a Set": (secret) => inspect([new Map([["key", secret]]), new Set([secret])]),
  "util.format, each directive": (secret) =>
    format("%s %j %o %O %d %i", secret, secret, secret, secret, secret, secret),
  "an error message": (secret) => new Error(`login with ${secret} failed`).message,
  "an error's cause": (secret) => inspect(new Error("failed", { cause: secret })),
  "an error's stack": (secret) => String(new Error(String(secret)).stack),
  "console.log": (secret) => logged((console) => console.log("starting with", secret, { secret })),
  "console.dir": (secret) => logged((console) => console.dir({ secret }, { depth: null, showHidden: true })),
  "console.table": (secret) => logged((console) => console.table([{ secret }])),
  pino: (secret) => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(line) });
    logger.info({ secret, nested: { secret } }, "starting with %s %o %j", secret, secret, secret);
    logger.child({ secret }).error(new Error("failed", { cause: secret }));
    return lines.join("\n");
  },
  structuredClone: (secret) => inspect(structuredClone({ secret }), { showHidden: true, depth: null }),
  "v8.serialize": (secret) => serialize({ secret }).toString("latin1"),
  "Object.entries": (secret) => inspect(Object.entries(secret)),
  "object spread": (secret) => inspect({ ...secret }),
  "Object.assign": (secret) => inspect(Object.assign({}, secret)),
  "own property names and symbols": (secret) => inspect(Reflect.ownKeys(secret).map((key) => Reflect.get(secret, key))),
  "for in": (secret) => {
    const found: unknown[] = [];
    for (const key in secret) found.push(Reflect.get(secret, key));
    return inspect(found);
  },
  URLSearchParams: (secret) => String(new URLSearchParams({ key: secret as unknown as string })),
};

function logged(log: (console: Console) => void): string {
  const stream = new PassThrough();
  log(new Console(stream));
  return String(stream.read());
}

describe("Secret", () => {
  it.each(Object.entries(leaks))("does not leak through %s", (_, leak) => {
    expect(leak(new Secret(VALUE))).not.toContain(VALUE);
  });

  it.each(["String()", "a template", "JSON.stringify", "util.inspect", "console.log", "pino"])(
    "shows as [redacted] through %s",
    (way) => {
      expect(leaks[way]!(new Secret(VALUE))).toContain("[redacted]");
    },
  );

  it("is no number either", () => {
    expect(Number(new Secret(42))).toBeNaN();
    expect(new Secret(42).valueOf()).not.toBe(42);
  });

  it("gives its value by reveal and in no other way", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    expect(new Secret(VALUE).reveal()).toBe(VALUE);
    expect(new Secret(bytes).reveal()).toBe(bytes);
    expect(inspect(new Secret(bytes))).toBe("[redacted]");
  });

  it("keeps its type", () => {
    expectTypeOf(new Secret("text")).toEqualTypeOf<Secret<string>>();
    expectTypeOf(new Secret(new Uint8Array()).reveal()).toExtend<Uint8Array>();
    expectTypeOf<Secret<string>>().toExtend<Secret<string | Uint8Array>>();
    expectTypeOf<Secret>().not.toExtend<string>();
    expectTypeOf<{ reveal(): string }>().not.toExtend<Secret>();
  });
});
