// `pnpm check [NAME]`: everything that must hold before a change is merged and that takes no server, or one check of it.

import { join } from "node:path";
import type { Check } from "./check/check.ts";
import { floors } from "./check/floors.ts";
import { lint } from "./check/lint.ts";
import { packages } from "./check/packages.ts";
import { pages } from "./check/pages.ts";
import { eachInPairs } from "./check/run.ts";
import { sizes } from "./check/sizes.ts";
import { traces } from "./check/traces.ts";
import { types } from "./check/types.ts";
import { unused } from "./check/unused.ts";

// The longest first, so that the others run beside it.
const CHECKS: readonly Check[] = [packages, types, unused, lint, floors, sizes, pages, traces];

const root = join(import.meta.dirname, "..");
const [, , wanted] = process.argv;
const chosen = wanted === undefined ? CHECKS : CHECKS.filter(({ name }) => name === wanted);
if (chosen.length === 0) {
  console.error(`There is no check "${wanted}". There are: ${CHECKS.map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}

const start = performance.now();
const passed = await eachInPairs(chosen, perform);
const failures = passed.filter((ok) => !ok).length;
console.log(`${passed.length - failures} ok, ${failures} failed, ${seconds(start)}`);
process.exitCode = failures > 0 ? 1 : 0;

async function perform({ name, run }: Check): Promise<boolean> {
  const began = performance.now();
  const problems = await run(root).catch((error: unknown) => [String(error instanceof Error ? error.stack : error)]);
  const ok = problems.length === 0;
  console.log([`${ok ? "ok   " : "FAIL "} ${name.padEnd(8)} ${seconds(began)}`, ...problems].join("\n"));
  return ok;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
