// Is what a user would install sound? Builds and packs every published package, then looks at the archives themselves.

import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, sep } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import type { Check } from "./check.ts";
import { complaints, eachInPairs, run, runPnpm, runTool } from "./run.ts";
import { type Manifest, publishedPackages } from "./workspace.ts";

const EVERY = ["--recursive", "--filter", "./packages/*"];

export const packages: Check = {
  name: "packages",
  run: async (root) => {
    const disagreements = publishedPackages(root).flatMap(({ manifest }) => differentExports(manifest));
    const built = await runPnpm(root, [...EVERY, "run", "build"]);
    if (built.code !== 0) return [...disagreements, ...complaints(built)];

    const folder = mkdtempSync(join(tmpdir(), "holdfast-packages-"));
    try {
      const packed = await runPnpm(root, [...EVERY, "pack", "--pack-destination", folder]);
      if (packed.code !== 0) return [...disagreements, ...complaints(packed)];
      const archives = globSync(join(folder, "*.tgz")).sort();
      const found = await eachInPairs(archives, (archive) => inspect(root, archive));
      return [...disagreements, ...found.flat()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/**
 * The workspace runs sources and users get what is built from them, so `exports` and `publishConfig.exports` must say the
 * same: `./src/http/index.ts` here, `./dist/http/index.d.ts` and `./dist/http/index.js` there.
 */
export function differentExports(manifest: Manifest): readonly string[] {
  const { name, exports = {}, bin = {}, publishConfig = {} } = manifest;
  const expected = Object.entries(exports).map(([entry, source]) => [entry, built(source)] as const);
  const published = publishConfig.exports ?? {};
  return [
    ...expected.flatMap(([entry, { types, default: js }]) => {
      const keys = Object.keys(published[entry] ?? {}).join();
      return keys === "types,default" && published[entry]?.types === types && published[entry]?.default === js
        ? []
        : [`${name}: publishConfig.exports["${entry}"] must be { "types": "${types}", "default": "${js}" }`];
    }),
    ...Object.keys(published)
      .filter((entry) => !(entry in exports))
      .map((entry) => `${name}: publishConfig.exports["${entry}"] has no entry in exports`),
    ...Object.entries(bin)
      .filter(([command, source]) => publishConfig.bin?.[command] !== built(source).default)
      .map(([command, source]) => `${name}: publishConfig.bin["${command}"] must be "${built(source).default}"`),
  ];
}

function built(source: string): { readonly types: string; readonly default: string } {
  const stem = source.replace(/^\.\/src\//, "./dist/").replace(/\.ts$/, "");
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

async function inspect(root: string, archive: string): Promise<readonly string[]> {
  const folder = `${archive}.content`;
  mkdirSync(folder);
  const unpacked = await run("tar", ["-xzf", archive, "-C", folder], root);
  if (unpacked.code !== 0) return complaints(unpacked);

  const problems = contentProblems(join(folder, "package"));
  // The other two would only say again that what is missing is missing.
  if (problems.length > 0) return problems.map((problem) => `${basename(archive)}: ${problem}`);
  const types = await runTool(root, "@arethetypeswrong/cli", [archive, "--profile", "esm-only", "--no-emoji"]);
  return [...(await lintPackage(join(folder, "package"))), ...complaints(types)];
}

const WANTED = ["package.json", "README.md", "LICENSE"];

/** What is wrong with the files of an unpacked archive. */
export function contentProblems(content: string): readonly string[] {
  const files = readdirSync(content, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(content, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
  const manifest = readFileSync(join(content, "package.json"), "utf8");
  const {
    exports = {},
    bin = {},
    scripts = {},
  } = JSON.parse(manifest) as {
    exports?: Record<string, Record<string, string>>;
    bin?: Record<string, string>;
    scripts?: Record<string, string>;
  };
  const targets = [...Object.values(exports).flatMap((target) => Object.values(target)), ...Object.values(bin)];
  return [
    ...WANTED.filter((file) => !files.includes(file)).map((file) => `${file} is not in the archive`),
    ...files.filter((file) => !belongs(file)).map((file) => `${file} does not belong in the archive`),
    ...targets.filter((file) => !existsSync(join(content, file))).map((file) => `${file} is exported and not there`),
    ...(/"(?:workspace|catalog):/.test(manifest) ? ["package.json has a version that only the workspace knows"] : []),
    ...["preinstall", "install", "postinstall"]
      .filter((name) => name in scripts)
      .map((name) => `it runs a ${name} script`),
  ];
}

/** Only what is built, and three pages: so no source, no test, no .env and no key slips in. */
function belongs(file: string): boolean {
  return WANTED.includes(file) || file === "CHANGELOG.md" || /^dist\/.+\.(?:js|d\.ts|json|sql|lua)$/.test(file);
}

async function lintPackage(content: string): Promise<readonly string[]> {
  const { messages, pkg } = await publint({ pkgDir: content, pack: false, strict: true });
  return messages.flatMap((message) => {
    const text = formatMessage(message, pkg, { color: false });
    return text === undefined ? [] : [`${pkg["name"]}: ${text}`];
  });
}
