// One build for every package: an ES module and its types for each entry that package.json exports.

import { readFileSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

const {
  name,
  exports,
  bin = {},
} = JSON.parse(readFileSync("package.json", "utf8")) as {
  name: string;
  exports: Record<string, string>;
  bin?: Record<string, string>;
};

const options: Options | Options[] = {
  entry: [...new Set([...Object.values(exports), ...Object.values(bin)].filter((path) => path.endsWith(".ts")))],
  // An entry that imports its package by name loads the main entry, instead of cutting it into chunks.
  external: [name],
  format: "esm",
  target: "node22",
  dts: { compilerOptions: { rootDir: "src" } },
  clean: true,
  treeshake: true,
  removeNodeProtocol: false,
};

const config: ReturnType<typeof defineConfig> = defineConfig(options);
export default config;
