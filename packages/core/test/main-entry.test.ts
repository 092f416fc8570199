import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const bundle = async (entry: string) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL(`../src/${entry}`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    target: "node22",
    packages: "external",
    // Not "node": there a node: import would pass unseen.
    platform: "neutral",
    external: ["node:*"],
    metafile: true,
    write: false,
  });
  const [output] = Object.values(metafile.outputs);
  return {
    bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
    imports: [...new Set(output!.imports.map(({ path }) => path))],
  };
};

describe("the main entry", () => {
  it("is under 3 KB, minified and gzipped", async () => {
    expect((await bundle("index.ts")).bytes).toBeLessThan(3 * 1024);
  });

  it("imports nothing", async () => {
    expect((await bundle("index.ts")).imports).toEqual([]);
  });

  // By name, so that a build does not cut the main entry into chunks, each of which costs whoever imports it a file more.
  it.each(["http/index.ts", "metrics/index.ts"])("is all that %s imports", async (entry) => {
    expect((await bundle(entry)).imports).toEqual(["@holdfast/core"]);
  });

  it("leaves node:crypto to ./seal", async () => {
    expect((await bundle("seal.ts")).imports).toEqual(["node:crypto", "@holdfast/core"]);
  });

  it("exports what is documented and nothing else", async () => {
    expect(Object.keys(await import("../src/index.ts")).sort()).toEqual([
      "HoldfastError",
      "Secret",
      "createManualClock",
      "parseBytes",
      "parseDuration",
      "parseRate",
      "silentLogger",
      "sleep",
      "systemClock",
      "unlessAborted",
    ]);
  });
});
