// Do imports go down only? Holds the order of the packages, and each package to itself.

import { isBuiltin } from "node:module";
import { dirname, relative, resolve, sep } from "node:path";
import type { Check } from "./check.ts";
import { packageOf } from "./imports.ts";
import { mainEntryLoads } from "./main-entry.ts";
import { isPath, packageSources, type Source } from "./sources.ts";
import { type Package, publishedPackages } from "./workspace.ts";

/** What each package may import of the others. A new package gets its line here. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  "http-retry": ["core"],
  "rate-limiter": ["core"],
  "api-key": ["core"],
  "embed-token": ["core"],
  checkpoint: ["core"],
  schedule: ["core"],
  notify: ["core", "http-retry"],
  retention: ["core", "schedule", "notify"],
  backup: ["core", "schedule", "notify"],
};

const PRIVATE = /^@holdfast\/(?:testing|bench|example-.+)$/;

export const floors: Check = {
  name: "floors",
  run: async (root) => {
    const packages = publishedPackages(root);
    // Benchmarks may import anything, and start scripts wherever they are.
    const sources = packageSources(root).filter(({ home }) => home !== "bench");
    return [
      ...packages.flatMap(withoutFloor),
      ...sources.flatMap((source) => [...leavesHome(root, source), ...goesUp(source)]),
      ...sources.flatMap((source) => undeclared(source, packages)),
      ...packages.flatMap((one) => mainEntryLoads(one, packages, sources)),
    ];
  },
};

function withoutFloor({ folder }: Package): readonly string[] {
  return folder in BELOW ? [] : [`packages/${folder} has no floor: scripts/check/floors.ts says what it may import`];
}

/** Relative imports stay in their package, and those of src in src. */
function leavesHome(root: string, { file, path, home, part, imports }: Source): readonly string[] {
  const bounds = part === "src" ? `${home}/src` : home;
  return imports.flatMap(({ specifier, line }) => {
    if (specifier === undefined || !isPath(specifier)) return [];
    const target = relative(root, resolve(dirname(path), specifier))
      .split(sep)
      .join("/");
    return target.startsWith(`${bounds}/`) ? [] : [`${file}:${line} imports ${specifier}, which leaves ${bounds}`];
  });
}

/** Packages import downwards, tests too; what is private to the workspace is imported by tests alone. */
function goesUp({ file, home, part, imports }: Source): readonly string[] {
  const own = home.startsWith("packages/") ? home.slice("packages/".length) : undefined;
  return imports.flatMap(({ specifier, line }) => {
    if (!specifier?.startsWith("@holdfast/")) return [];
    const name = packageOf(specifier);
    if (PRIVATE.test(name)) {
      const allowed = name === "@holdfast/testing" && (part !== "src" || home === "testing");
      return allowed ? [] : [`${file}:${line} imports ${specifier}, which is private to the workspace`];
    }
    const other = name.slice("@holdfast/".length);
    if (own === undefined || other === own || BELOW[own]?.includes(other)) return [];
    return [`${file}:${line} imports ${specifier}, which is not below ${own}`];
  });
}

/** What src of a published package imports is there when a user has installed the package and brought its peers. */
function undeclared({ file, home, part, imports }: Source, packages: readonly Package[]): readonly string[] {
  const manifest = packages.find(({ folder }) => home === `packages/${folder}`)?.manifest;
  if (!manifest || part !== "src") return [];
  const known = new Set([
    manifest.name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ]);
  return imports.flatMap(({ specifier, line }) => {
    // A command may load the file that its user names.
    if (specifier === undefined && file.startsWith(`${home}/src/cli/`)) return [];
    if (specifier === undefined) return [`${file}:${line} imports by an expression, which nothing can check`];
    if (isPath(specifier) || isBuiltin(specifier) || known.has(packageOf(specifier))) return [];
    return [`${file}:${line} imports ${specifier}, which is neither a dependency nor a peer of ${manifest.name}`];
  });
}
