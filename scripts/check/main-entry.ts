// What importing a package's main entry loads: follows it through every file, into the packages below too.

import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { packageOf } from "./imports.ts";
import { isPath, type Source } from "./sources.ts";
import type { Package } from "./workspace.ts";

/** Of which even a package that depends on one keeps its main entry free. */
const FRAMEWORKS: readonly string[] = ["express", "fastify", "hono", "koa"];

/**
 * A main entry loads no framework and no client that the user brings. Imports of types count: they would put the name of
 * a package that may not be installed into the types of the entry. Core's loads nothing of Node.js either.
 */
export function mainEntryLoads(
  start: Package,
  packages: readonly Package[],
  sources: readonly Source[],
): readonly string[] {
  const main = start.manifest.exports?.["."];
  if (main === undefined) return [`packages/${start.folder} exports no main entry`];
  const entry = join(start.path, main);
  if (!existsSync(entry)) return [`packages/${start.folder} exports ${main}, which does not exist`];

  const problems: string[] = [];
  // A set is iterated in the order in which it grows, and grows while it is.
  const reached = new Set([entry]);
  for (const path of reached) {
    const source = sources.find((one) => one.path === path);
    for (const { specifier, line } of source?.imports ?? []) {
      if (specifier === undefined) continue;
      if (isForeign(specifier, start, packages)) {
        problems.push(`${source?.file}:${line} brings ${specifier} into the main entry of ${start.manifest.name}`);
      }
      const next = isPath(specifier) ? resolve(dirname(path), specifier) : entryFile(specifier, packages);
      if (next !== undefined) reached.add(next);
    }
  }
  return problems;
}

function isForeign(specifier: string, start: Package, packages: readonly Package[]): boolean {
  if (isPath(specifier)) return false;
  if (isBuiltin(specifier)) return start.folder === "core";
  const name = packageOf(specifier);
  return FRAMEWORKS.includes(name) || packages.some(({ manifest }) => name in (manifest.peerDependencies ?? {}));
}

/** The file behind `@holdfast/core/http`. */
function entryFile(specifier: string, packages: readonly Package[]): string | undefined {
  const name = packageOf(specifier);
  const found = packages.find(({ manifest }) => manifest.name === name);
  const target = found?.manifest.exports?.[`.${specifier.slice(name.length)}`];
  return found && target !== undefined ? join(found.path, target) : undefined;
}
