// The published packages, as their manifests describe them.

import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: {
    readonly exports?: Readonly<Record<string, { readonly types?: string; readonly default?: string }>>;
    readonly bin?: Readonly<Record<string, string>>;
  };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface Package {
  /** The name of its folder: `rate-limiter`. */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** Every package under packages/, by name of folder. */
export function publishedPackages(root: string): readonly Package[] {
  return globSync("packages/*/package.json", { cwd: root })
    .map((file) => {
      const path = join(root, dirname(file));
      return { folder: basename(path), path, manifest: readManifest(path) };
    })
    .sort((a, b) => a.folder.localeCompare(b.folder));
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
}

/** `@holdfast/core` and `./http` make `@holdfast/core/http`, which is what a user imports. */
export function entryName({ name }: Manifest, entry: string): string {
  return name + entry.slice(1);
}
