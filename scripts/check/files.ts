// The files that are committed, or would be: what git knows and what it does not ignore.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";

/** Paths from `root`, with `/`. */
export async function committedFiles(root: string): Promise<readonly string[]> {
  const { code, output } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root);
  if (code !== 0) throw new Error(`git can't list the files of the workspace: ${output}`);
  return [...new Set(output.split("\0"))].filter((file) => file !== "" && existsSync(join(root, file))).sort();
}
