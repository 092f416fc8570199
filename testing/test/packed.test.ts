import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { checkPacked, type PackedCheck } from "../src/packed.ts";

const WORKSPACE = join(import.meta.dirname, "../..");
/** An installed package that plays the optional peer. */
const PEER = "fast-check";

let workspace: string;
let checks: readonly PackedCheck[];

/** Packing takes seconds: once for all, on one sound package, one that depends on it, and one with every defect. */
beforeAll(async () => {
  workspace = mkdtempSync(join(tmpdir(), "holdfast-fixture-"));
  write("package.json", JSON.stringify({ private: true }));
  write("pnpm-workspace.yaml", "packages: ['*']");
  mkdirSync(join(workspace, "node_modules"));
  for (const name of ["typescript", "@types"]) {
    symlinkSync(join(WORKSPACE, "node_modules", name), join(workspace, "node_modules", name));
  }
  writePackage("sound", {
    ".": ["export const one = 1;", "export declare const one: number;"],
    "./face": [`export { assert } from "${PEER}";`, `export { assert } from "${PEER}";`],
  });
  writePackage("above", { ".": ['export { one } from "@fixture/sound";', 'export { one } from "@fixture/sound";'] });
  writePackage("broken", {
    ".": [`export { assert } from "${PEER}";`, `export { assert } from "${PEER}";`],
    "./empty": ["", "export {};"],
    "./throws": ['throw new Error("at once");', "export declare const one: number;"],
    "./badly-typed": ["export const one = 1;", 'export declare const one: import("nowhere").One;'],
  });
  vi.spyOn(console, "log").mockImplementation(() => {});
  checks = await checkPacked(
    workspace,
    ["sound", "above", "broken"].map((name) => join(workspace, name)),
  );
}, 120_000);
afterAll(() => rmSync(workspace, { recursive: true }));

function write(path: string, content: string): void {
  const file = join(workspace, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function writePackage(name: string, entries: Readonly<Record<string, readonly [js: string, types: string]>>): void {
  const exports: Record<string, object> = {};
  for (const [entry, [js, types]] of Object.entries(entries)) {
    const file = entry === "." ? "index" : entry.slice(2);
    write(`${name}/dist/${file}.js`, js);
    write(`${name}/dist/${file}.d.ts`, types);
    exports[entry] = { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` };
  }
  const dependencies = name === "above" ? { "@fixture/sound": "workspace:^" } : {};
  const peers = { peerDependencies: { [PEER]: "*" }, peerDependenciesMeta: { [PEER]: { optional: true } } };
  write(
    `${name}/package.json`,
    JSON.stringify({
      name: `@fixture/${name}`,
      version: "1.0.0",
      type: "module",
      files: ["dist"],
      exports,
      dependencies,
      ...peers,
    }),
  );
  // What an installation would have put there.
  write(
    `${name}/node_modules/${PEER}/package.json`,
    readFileSync(join(WORKSPACE, "testing/node_modules", PEER, "package.json"), "utf8"),
  );
  if (name === "above") {
    mkdirSync(join(workspace, "above/node_modules/@fixture"));
    symlinkSync(join(workspace, "sound"), join(workspace, "above/node_modules/@fixture/sound"));
  }
}

const problem = (name: string): string | undefined => {
  const check = checks.find((check) => check.name === name);
  expect(check, `there is no check named ${name}`).toBeDefined();
  return check?.problem;
};

test("a sound package has no problem, and one above it gets it from its tarball", () => {
  expect(checks.filter(({ name }) => !name.includes("broken")).filter(({ problem }) => problem)).toEqual([]);
});

test("every entry is imported, required, and imported without optional peers", () => {
  expect(checks.map(({ name }) => name).filter((name) => name.includes("sound"))).toEqual([
    "import @fixture/sound",
    "import @fixture/sound/face",
    "require @fixture/sound",
    "require @fixture/sound/face",
    "import @fixture/sound without optional peers",
    "import @fixture/sound/face without optional peers",
    "types of @fixture/sound",
  ]);
});

test.each(["import", "require"])("%s of an entry that exports nothing is a problem", (how) => {
  expect(problem(`${how} @fixture/broken/empty`)).toBe("it exports nothing");
});

test.each(["import", "require"])("%s of an entry that throws is a problem", (how) => {
  expect(problem(`${how} @fixture/broken/throws`)).toBe("at once");
});

test("a main entry that needs an optional peer is a problem", () => {
  expect(problem("import @fixture/broken")).toBeUndefined();
  expect(problem("import @fixture/broken without optional peers")).toContain(`'${PEER}'`);
});

test("types that refer to what is not there are a problem", () => {
  expect(problem("types of @fixture/broken")).toContain("nowhere");
});
