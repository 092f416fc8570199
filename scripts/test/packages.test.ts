import { describe, expect, it } from "vitest";
import { contentProblems, differentExports } from "../check/packages.ts";
import { complaints, eachInPairs, run } from "../check/run.ts";
import { entrySizes, overBudget } from "../check/sizes.ts";
import { type Files, workspace } from "./workspace.ts";

describe("exports", () => {
  const manifest = (exports: Record<string, string>, published: Record<string, object>) => ({
    name: "@holdfast/a",
    exports,
    publishConfig: { exports: published },
  });
  const main = { types: "./dist/index.d.ts", default: "./dist/index.js" };

  it("agree where each source has its build", () => {
    const http = { types: "./dist/http/index.d.ts", default: "./dist/http/index.js" };
    const sources = { ".": "./src/index.ts", "./http": "./src/http/index.ts" };
    expect(differentExports(manifest(sources, { ".": main, "./http": http }))).toEqual([]);
  });

  it.each([
    ["an entry that is not published", { ".": "./src/index.ts" }, {}],
    ["another build", { ".": "./src/index.ts" }, { ".": { ...main, default: "./dist/main.js" } }],
    ["other types", { ".": "./src/index.ts" }, { ".": { ...main, types: "./dist/main.d.ts" } }],
    ["types that do not come first", { ".": "./src/index.ts" }, { ".": { default: main.default, types: main.types } }],
    ["a condition more", { ".": "./src/index.ts" }, { ".": { ...main, require: "./dist/index.cjs" } }],
    ["an entry that has no source", {}, { ".": main }],
  ])("differ by %s", (_, sources, published) => {
    expect(differentExports(manifest(sources, published))).toHaveLength(1);
  });

  it("differ by a command that is not built", () => {
    const command = { ...manifest({}, {}), bin: { hold: "./src/cli.ts" } };
    expect(differentExports(command)).toEqual(['@holdfast/a: publishConfig.bin["hold"] must be "./dist/cli.js"']);
  });
});

describe("an archive", () => {
  const sound: Files = {
    "package.json": { name: "a", exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } } },
    "README.md": "",
    LICENSE: "",
    "dist/index.js": "",
    "dist/index.d.ts": "",
  };

  it("is sound with what is built, the readme and the licence", () => {
    expect(contentProblems(workspace({ ...sound, "CHANGELOG.md": "", "dist/stores/a.js": "" }))).toEqual([]);
  });

  it.each([
    ["a source", { "src/index.ts": "" }, "src/index.ts does not belong in the archive"],
    ["a test", { "dist/index.test.ts": "" }, "dist/index.test.ts does not belong in the archive"],
    ["an environment", { ".env": "" }, ".env does not belong in the archive"],
    ["a key", { "dist/key.pem": "" }, "dist/key.pem does not belong in the archive"],
    [
      "an export of nothing",
      { "package.json": { exports: { ".": { default: "./dist/main.js" } } } },
      "./dist/main.js is exported and not there",
    ],
    [
      "a version of the workspace",
      { "package.json": { dependencies: { b: "workspace:^" } } },
      "package.json has a version that only the workspace knows",
    ],
    ["a script at installation", { "package.json": { scripts: { postinstall: "x" } } }, "it runs a postinstall script"],
  ])("is refused for %s", (_, files, problem) => {
    expect(contentProblems(workspace({ ...sound, ...files }))).toEqual([problem]);
  });

  it("is refused without its readme and licence", () => {
    const { "package.json": manifest, "dist/index.js": js, "dist/index.d.ts": types } = sound;
    const root = workspace({ "package.json": manifest!, "dist/index.js": js!, "dist/index.d.ts": types! });
    expect(contentProblems(root)).toEqual(["README.md is not in the archive", "LICENSE is not in the archive"]);
  });
});

describe("sizes", () => {
  it("are refused over their budget, and met at it", () => {
    expect(overBudget({ a: 100, b: 101 }, { a: 100, b: 100 })).toEqual(["b has 101 bytes, 1 over its budget of 100"]);
  });

  it("need a budget each, and budgets a size", () => {
    expect(overBudget({ a: 5 }, { b: 5 })).toEqual([
      "a has 5 bytes and no budget in scripts/check/size-budgets.json",
      "b has a budget in scripts/check/size-budgets.json and does not exist",
    ]);
  });

  it("count what an entry reaches of its own package, and neither other packages nor comments", async () => {
    const filler = (letter: string) => Array.from({ length: 40 }, (_, i) => `${letter}${i * i * 7919}`).join("");
    const root = workspace({
      "packages/a/package.json": { name: "@holdfast/a", exports: { ".": "./src/index.ts", "./b": "./src/b.ts" } },
      "packages/a/src/index.ts": `// ${filler("c")}\nimport "@holdfast/core"; export const a: string = "x";`,
      "packages/a/src/b.ts": 'export * from "./deep.ts";',
      "packages/a/src/deep.ts": `export const deep = "${filler("d")}";`,
    });
    const { "@holdfast/a": main = 0, "@holdfast/a/b": sub = 0 } = await entrySizes(root);
    expect(main).toBeGreaterThan(0);
    expect(main).toBeLessThan(100);
    expect(sub).toBeGreaterThan(120);
  });
});

it("an entry that awaits at its top is refused, since require() would refuse it", async () => {
  const root = workspace({
    "packages/a/package.json": { name: "@holdfast/a", exports: { ".": "./src/index.ts" } },
    "packages/a/src/index.ts": "export const a = await Promise.resolve(1);",
  });
  await expect(entrySizes(root)).rejects.toThrow("Top-level await");
});

describe("a tool", () => {
  it("complains with all it wrote when it fails, and not at all when it does not", async () => {
    const failed = await run(process.execPath, ["-e", "console.log(1); console.error(2); process.exit(3)"], ".");
    expect(complaints(failed)).toEqual(["1\n2"]);
    expect(complaints({ code: 0, output: "a notice" })).toEqual([]);
    expect(complaints({ code: 1, output: "" })).toEqual(["ended with code 1 and said nothing"]);
  });

  it("that does not exist is an error", async () => {
    await expect(run("holdfast-no-such-tool", [], ".")).rejects.toThrow("ENOENT");
  });
});

describe("work in pairs", () => {
  it("keeps the order of results and never does more than two things at once", async () => {
    let running = 0;
    let most = 0;
    const results = await eachInPairs([3, 1, 2, 0, 1], async (ticks) => {
      most = Math.max(most, ++running);
      for (let tick = 0; tick < ticks; tick++) await null;
      running--;
      return ticks * 10;
    });
    expect(results).toEqual([30, 10, 20, 0, 10]);
    expect(most).toBe(2);
  });
});
