import { describe, expect, it } from "vitest";
import { floors } from "../check/floors.ts";
import { importsOf } from "../check/imports.ts";
import { type Files, workspace } from "./workspace.ts";

const core = {
  "packages/core/package.json": { name: "@holdfast/core", exports: { ".": "./src/index.ts" } },
  "packages/core/src/index.ts": "export {};",
};

/** What floors say of `core` and whatever `files` add to it or put in its place. */
const problems = (files: Files) => floors.run(workspace({ ...core, ...files }));

const manifest = (name: string, rest: object = {}) => ({
  name: `@holdfast/${name}`,
  exports: { ".": "./src/index.ts" },
  dependencies: { "@holdfast/core": "workspace:^" },
  ...rest,
});

/** A package `config` whose main entry is `text`. */
const config = (text: string, rest: object = {}) => ({
  "packages/config/package.json": manifest("config", rest),
  "packages/config/src/index.ts": text,
});

describe("imports are found", () => {
  const found = (text: string) => importsOf("file.ts", text).map(({ specifier, typeOnly }) => [specifier, typeOnly]);

  it.each([
    ["static", 'import a from "x";'],
    ["for its effect", 'import "x";'],
    ["of inline types, which leave an import behind", 'import { type A } from "x";'],
    ["export from", 'export { a } from "x";'],
    ["export all", 'export * from "x";'],
    ["dynamic, deep in a function", "const f = async () => { if (f) await import(`x`); };"],
    ["require", 'const a = require("x");'],
    ["import equals", 'import a = require("x");'],
  ])("%s", (_, text) => {
    expect(found(text)).toEqual([["x", false]]);
  });

  it.each([
    ["import type", 'import type { A } from "x";'],
    ["export type", 'export type { A } from "x";'],
    ["a type by import()", 'let a: import("x").A;'],
  ])("as types alone: %s", (_, text) => {
    expect(found(text)).toEqual([["x", true]]);
  });

  it("not in strings, comments or templates", () => {
    expect(found('// import "a"\nconst b = \'import "b"\'; const c = `import("c")`; /* require("d") */')).toEqual([]);
  });

  it("without a name where it is an expression", () => {
    expect(found("await import(name);")).toEqual([[undefined, false]]);
  });

  it("with the line on which they stand", () => {
    expect(importsOf("file.ts", '\n\nimport "x";')).toEqual([{ specifier: "x", typeOnly: false, line: 3 }]);
  });
});

describe("floors allow", () => {
  it.each([
    ["a package to import core", config('import "@holdfast/core";')],
    ["a package to import itself by name", config('import "@holdfast/config";')],
    ["modules of Node.js", config('import "node:fs";')],
    ["a dependency", config('import "p-map/deep";', { dependencies: { "p-map": "1" } })],
    [
      "a peer in an entry of its own, where the main entry does not reach",
      { ...config("export {};", { peerDependencies: { pg: "8" } }), "packages/config/src/pg.ts": 'import "pg";' },
    ],
    [
      "tests to import the testing package and what is beside them",
      {
        ...config("export {};"),
        "packages/config/test/a.test.ts": 'import "@holdfast/testing"; import "../src/index.ts";',
      },
    ],
    [
      "torture runs to import the testing package",
      { ...config("export {};"), "packages/config/torture/a.ts": 'import "@holdfast/testing/vitest";' },
    ],
    [
      "notify to import http-retry",
      {
        "packages/notify/package.json": manifest("notify", { dependencies: { "@holdfast/http-retry": "workspace:^" } }),
        "packages/notify/src/index.ts": 'import "@holdfast/http-retry";',
      },
    ],
    [
      "bench to import anything",
      { "bench/src/a.bench.ts": 'import "@holdfast/testing"; import "../../packages/core/src/index.ts";' },
    ],
    [
      "an example to import any package",
      { "examples/express/src/app.ts": 'import "@holdfast/core"; import "express";' },
    ],
    [
      "a command to load the file that its user names",
      { ...config("export {};"), "packages/config/src/cli/run.ts": "await import(process.argv[2]);" },
    ],
    [
      "core to use Node.js in an entry of its own",
      { "packages/core/src/seal.ts": 'import { randomBytes } from "node:crypto";' },
    ],
  ])("%s", async (_, files) => {
    expect(await problems(files)).toEqual([]);
  });
});

describe("floors refuse", () => {
  const apiKey = {
    "packages/api-key/package.json": manifest("api-key"),
    "packages/api-key/src/index.ts": "export {};",
  };

  it.each([
    [
      "a package that imports its neighbour",
      {
        ...apiKey,
        ...config('\nimport "@holdfast/api-key";', { dependencies: { "@holdfast/api-key": "workspace:^" } }),
      },
      "packages/config/src/index.ts:2 imports @holdfast/api-key, which is not below config",
    ],
    [
      "core that imports a package above it, be it for a type",
      {
        "packages/core/package.json": manifest("core", { dependencies: { "@holdfast/config": "workspace:^" } }),
        "packages/core/src/http.ts": 'import type { A } from "@holdfast/config";',
      },
      "packages/core/src/http.ts:1 imports @holdfast/config, which is not below core",
    ],
    [
      "a test that imports a neighbour",
      { ...apiKey, ...config("export {};"), "packages/config/test/a.test.ts": 'await import("@holdfast/api-key");' },
      "packages/config/test/a.test.ts:1 imports @holdfast/api-key, which is not below config",
    ],
    [
      "src that imports the testing package",
      config('import "@holdfast/testing";', { dependencies: { "@holdfast/testing": "workspace:^" } }),
      "packages/config/src/index.ts:1 imports @holdfast/testing, which is private to the workspace",
    ],
    [
      "a test that imports bench",
      { "packages/core/test/a.test.ts": 'export * from "@holdfast/bench";' },
      "packages/core/test/a.test.ts:1 imports @holdfast/bench, which is private to the workspace",
    ],
    [
      "a test that imports an example",
      { "packages/core/test/a.test.ts": 'import "@holdfast/example-express";' },
      "packages/core/test/a.test.ts:1 imports @holdfast/example-express, which is private to the workspace",
    ],
    [
      "an example that imports the testing package in its service",
      { "examples/express/src/app.ts": 'import "@holdfast/testing";' },
      "examples/express/src/app.ts:1 imports @holdfast/testing, which is private to the workspace",
    ],
    [
      "a relative import that leaves the package",
      { ...config("export {};"), "packages/config/test/a.test.ts": 'import "../../core/src/index.ts";' },
      "packages/config/test/a.test.ts:1 imports ../../core/src/index.ts, which leaves packages/config",
    ],
    [
      "a relative import of a package whose name only begins alike",
      { "packages/core/test/a.test.ts": 'import "../../core-extra/a.ts";' },
      "packages/core/test/a.test.ts:1 imports ../../core-extra/a.ts, which leaves packages/core",
    ],
    [
      "src that imports from its tests",
      { "packages/core/src/a.ts": 'import "../test/b.ts";' },
      "packages/core/src/a.ts:1 imports ../test/b.ts, which leaves packages/core/src",
    ],
    [
      "src that imports what is not declared",
      config('import "left-pad/deep";', { devDependencies: { "left-pad": "1" } }),
      "packages/config/src/index.ts:1 imports left-pad/deep, which is neither a dependency nor a peer of @holdfast/config",
    ],
    [
      "src that imports by an expression",
      config('await import(["p", "g"].join(""));'),
      "packages/config/src/index.ts:1 imports by an expression, which nothing can check",
    ],
    [
      "a module of Node.js that the main entry of core reaches",
      {
        "packages/core/src/index.ts": 'export * from "./a.ts";',
        "packages/core/src/a.ts": 'import type { Server } from "http";',
      },
      "packages/core/src/a.ts:1 brings http into the main entry of @holdfast/core",
    ],
    [
      "a peer that a main entry loads",
      config('export { a } from "./a.ts";', { peerDependencies: { pg: "8" } }),
      "packages/config/src/a.ts:1 brings pg into the main entry of @holdfast/config",
      { "packages/config/src/a.ts": 'import pg from "pg";' },
    ],
    [
      "a peer of which a main entry takes a type",
      config('import type { ZodType } from "zod";', { peerDependencies: { zod: "4" } }),
      "packages/config/src/index.ts:1 brings zod into the main entry of @holdfast/config",
    ],
    [
      "a framework in a main entry, be it a dependency",
      config('import { Hono } from "hono/tiny";', { dependencies: { hono: "4" } }),
      "packages/config/src/index.ts:1 brings hono/tiny into the main entry of @holdfast/config",
    ],
    [
      "a peer that a main entry reaches through the package below",
      {
        ...config('import "@holdfast/core/metrics";'),
        "packages/core/package.json": {
          name: "@holdfast/core",
          exports: { ".": "./src/index.ts", "./metrics": "./src/metrics.ts" },
          peerDependencies: { "prom-client": "15" },
        },
        "packages/core/src/metrics.ts": 'import "prom-client";',
      },
      "packages/core/src/metrics.ts:1 brings prom-client into the main entry of @holdfast/config",
    ],
    [
      "a package of which nobody said where it stands",
      { "packages/extra/package.json": manifest("extra"), "packages/extra/src/index.ts": "export {};" },
      "packages/extra has no floor: scripts/check/floors.ts says what it may import",
    ],
    [
      "a package without a main entry",
      { "packages/config/package.json": manifest("config", { exports: { "./a": "./src/a.ts" } }) },
      "packages/config exports no main entry",
    ],
    [
      "a main entry that does not exist",
      { "packages/config/package.json": manifest("config") },
      "packages/config exports ./src/index.ts, which does not exist",
    ],
  ])("%s", async (_, files, refusal, more?: Readonly<Record<string, string>>) => {
    expect(await problems({ ...files, ...more })).toEqual([refusal]);
  });
});
