// `pnpm bench [NAME]`: runs bench/src/NAME.bench.ts, or all of them; says of each goal whether it is met, and writes
// bench/results/NAME.md. Fails when a goal is missed.

import { fork } from "node:child_process";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { basename, join } from "node:path";
import { type Facts, judge, page, table } from "../bench/src/harness-report.ts";
import type { Row } from "../bench/src/harness-row.ts";

const BENCH = join(import.meta.dirname, "../bench");

const names = globSync("src/*.bench.ts", { cwd: BENCH })
  .map((file) => basename(file, ".bench.ts"))
  .sort();
const [, , wanted] = process.argv;
const chosen = wanted === undefined ? names : names.filter((name) => name === wanted);
if (chosen.length === 0) {
  console.error(`There is no benchmark "${wanted ?? ""}". There are: ${names.join(", ") || "none yet"}.`);
  process.exit(1);
}

const rows: Row[] = [];
let failed = false;
for (const name of chosen) {
  console.log(name);
  try {
    const measured = await run(name);
    console.log(`${table(measured)}\n`);
    mkdirSync(join(BENCH, "results"), { recursive: true });
    writeFileSync(join(BENCH, "results", `${name}.md`), page(name, measured, facts(), installedVersion));
    rows.push(...measured);
  } catch (error) {
    failed = true;
    console.error(`${error instanceof Error ? error.message : error}\n`);
  }
}

const verdicts = rows.map(judge);
const missed = verdicts.filter((verdict) => verdict === "MISSED").length;
console.log(`${verdicts.filter((verdict) => verdict === "met").length} met, ${missed} missed`);
process.exitCode = failed || missed > 0 ? 1 : 0;

function run(name: string): Promise<readonly Row[]> {
  const child = fork(join(BENCH, "src/harness-main.ts"), [join(BENCH, "src", `${name}.bench.ts`)], {
    execArgv: ["--expose-gc"],
  });
  let measured: readonly Row[] | undefined;
  child.on("message", (message) => {
    measured = message as readonly Row[];
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 && measured) resolve(measured);
      else reject(new Error(`the benchmark "${name}" ended with code ${code}`));
    });
  });
}

function facts(): Facts {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
  };
}

function installedVersion(packageName: string): string {
  try {
    const manifest = readFileSync(join(BENCH, "node_modules", packageName, "package.json"), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return "(version unknown)";
  }
}
