// The TypeScript files of the workspace's packages, with what each imports.

import { globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type Import, importsOf } from "./imports.ts";

export interface Source {
  /** From the root, with `/`: how messages name it. */
  readonly file: string;
  readonly path: string;
  /** The folder of its package: `packages/core`, `examples/hono`, `testing`, `bench`. */
  readonly home: string;
  readonly part: "src" | "test" | "torture";
  readonly imports: readonly Import[];
}

export function packageSources(root: string): readonly Source[] {
  return globSync("{packages/*,examples/*,testing,bench}/{src,test,torture}/**/*.ts", { cwd: root })
    .sort()
    .map((match) => {
      const path = join(root, match);
      const parts = match.split(sep);
      const depth = parts[0] === "packages" || parts[0] === "examples" ? 2 : 1;
      const file = parts.join("/");
      return {
        file,
        path,
        home: parts.slice(0, depth).join("/"),
        part: parts[depth] as Source["part"],
        imports: importsOf(file, readFileSync(path, "utf8")),
      };
    });
}

/** A relative specifier, or an absolute one, as against the name of a package. */
export function isPath(specifier: string): boolean {
  return /^[./]/.test(specifier);
}
