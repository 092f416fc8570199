// Ours as its users get it: built, in a folder like node_modules, so that nothing is stripped of types while it is timed.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const WORKSPACE = join(import.meta.dirname, "../../..");
/** How a child of this process finds the build. */
const VARIABLE = "HOLDFAST_BENCH_BUILD";

/** Builds core and config into a temporary folder, for this process and the children that it starts. */
export async function buildHoldfast(): Promise<Disposable> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  await Promise.all(["core", "config"].map((name) => build(name, join(folder, "node_modules/@holdfast", name))));
  process.env[VARIABLE] = folder;
  return { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export function importHoldfast(): Promise<typeof import("@holdfast/config")> {
  const folder = process.env[VARIABLE];
  if (folder === undefined) throw new Error("run `pnpm bench config`, which builds first");
  return import(pathToFileURL(join(folder, "node_modules/@holdfast/config/dist/index.js")).href);
}

async function build(name: string, into: string): Promise<void> {
  const source = join(WORKSPACE, "packages", name);
  const tsup = join(WORKSPACE, "node_modules/tsup/dist/cli-default.js");
  await promisify(execFile)(process.execPath, [tsup, "--no-dts", "--out-dir", join(into, "dist")], { cwd: source });
  const { publishConfig, ...manifest } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  writeFileSync(join(into, "package.json"), JSON.stringify({ ...manifest, ...publishConfig }));
}
