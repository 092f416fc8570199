// Does every entry keep to its budget? Counts the bytes of the package's own code, minified and compressed: each package
// that it imports has a budget of its own.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Check } from "./check.ts";
import { eachInPairs } from "./run.ts";
import { entryName, publishedPackages } from "./workspace.ts";

type Bytes = Readonly<Record<string, number>>;

export const sizes: Check = {
  name: "sizes",
  run: async (root) => {
    const budgets = JSON.parse(readFileSync(join(root, "scripts/check/size-budgets.json"), "utf8")) as Bytes;
    return overBudget(await entrySizes(root), budgets);
  },
};

/** What is wrong with entries of these sizes. */
export function overBudget(sizesByEntry: Bytes, budgets: Bytes): readonly string[] {
  return [
    ...Object.entries(sizesByEntry).flatMap(([entry, size]) => {
      const budget = budgets[entry];
      if (budget === undefined) return [`${entry} has ${size} bytes and no budget in scripts/check/size-budgets.json`];
      return size > budget ? [`${entry} has ${size} bytes, ${size - budget} over its budget of ${budget}`] : [];
    }),
    ...Object.keys(budgets)
      .filter((entry) => !(entry in sizesByEntry))
      .map((entry) => `${entry} has a budget in scripts/check/size-budgets.json and does not exist`),
  ];
}

/** Bytes of each entry whose source is there; floors and types say when one is not. */
export async function entrySizes(root: string): Promise<Bytes> {
  const entries = publishedPackages(root)
    .flatMap(({ manifest, path }) =>
      Object.entries(manifest.exports ?? {}).map(
        ([entry, source]) => [entryName(manifest, entry), join(path, source)] as const,
      ),
    )
    .filter(([, source]) => existsSync(source));
  return Object.fromEntries(await eachInPairs(entries, async ([name, source]) => [name, await size(source)]));
}

async function size(source: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [source],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node22.19",
    packages: "external",
    // Node.js can't require() a module that awaits at its top, and we promise that require() works.
    supported: { "top-level-await": false },
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}
