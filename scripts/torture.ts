// pnpm torture [package] [--runs N] [--seed S] [--minutes M]
// Breaks things at random, a thousand times each unless told otherwise, and counts what was lost for it.

import { parseArgs } from "node:util";
import { anySeed, torturePackages } from "../testing/src/torture-runs.ts";
import { choose } from "../testing/src/vitest.ts";
import { packages } from "../vitest.config.ts";

const { chosen, runs, seed, minutes } = readArguments();
const { tried, lost } = await torturePackages(chosen, { runs, seed, limitMs: minutes * 60_000 });
if (tried === 0) console.log("Nothing was tried: no package here has a file in its folder torture.");
console.log(`${tried} faults tried, ${lost} lost`);
// Not left to the event loop: a torture may have lost a socket or a timer as well.
process.exit(tried > 0 && lost === 0 ? 0 : 1);

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: "string", default: "1000" },
        seed: { type: "string", default: String(anySeed()) },
        minutes: { type: "string", default: "20" },
      },
    });
    return {
      chosen: choose(packages, positionals[0]),
      runs: wholeNumber("--runs", values.runs),
      seed: wholeNumber("--seed", values.seed),
      minutes: wholeNumber("--minutes", values.minutes),
    };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`${option} takes a whole number, not ${JSON.stringify(text)}`);
}
