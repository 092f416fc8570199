// Runs the tools of the workspace, on the Node.js that runs the check.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface Ended {
  readonly code: number | null;
  /** What it wrote to stdout and to stderr, in the order in which it came. */
  readonly output: string;
}

/** Runs a program to its end. Rejects only when it can't be started. */
export function run(file: string, args: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(file, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  const keep = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output: output.trim() }));
  });
}

/**
 * Runs the command-line tool of a package in the root's node_modules. Its script is started directly: a shim in .bin
 * would take the Node.js of the workspace, whichever one runs the check.
 */
export function runTool(
  root: string,
  packageName: string,
  args: readonly string[],
  cwd: string = root,
): Promise<Ended> {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    bin: string | Record<string, string>;
  };
  // Of several scripts, the one that comes first is the tool itself.
  const script = typeof bin === "string" ? bin : Object.values(bin)[0];
  if (!script) throw new Error(`${packageName} has no command-line tool`);
  return run(process.execPath, [join(folder, script), ...args], cwd);
}

/** The pnpm that runs this script, or else the one that the workspace is made for. */
export function runPnpm(root: string, args: readonly string[]): Promise<Ended> {
  const running = process.env["npm_execpath"] ?? "";
  return basename(running).startsWith("pnpm")
    ? run(running, args, root)
    : run("npx", ["--yes", "--package=pnpm@12", "--", "pnpm", ...args], root);
}

/** What a tool that failed had to say. */
export function complaints({ code, output }: Ended): readonly string[] {
  return code === 0 ? [] : [output || `ended with code ${code} and said nothing`];
}

/** As Promise.all over `items`, two at a time: more would only contend on a machine of two cores. */
export async function eachInPairs<T, Result>(
  items: readonly T[],
  work: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}
