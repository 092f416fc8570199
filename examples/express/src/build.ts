// Which build this is: the first thing that whoever is called at night wants to know.

import { readFileSync } from "node:fs";

export interface Build {
  readonly version: string;
  /** As the pipeline gave it in COMMIT; null where nobody did. */
  readonly commit: string | null;
  readonly node: string;
}

export function buildInfo(commit: string | undefined): Build {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return { version, commit: commit ?? null, node: process.version };
}
