import { runTorture } from "../../../../testing/src/torture-runs.ts";
import { torture } from "../ingest.ts";
const [runs, seed, limit] = process.argv.slice(2).map(Number) as [number, number, number];
const t = performance.now();
const { tried, lost } = await runTorture(torture, { runs, seed, runLimitMs: limit, limitMs: 150_000 });
for (const { seed, error, log } of lost) console.log(seed, String(error), log.join("\n  "));
console.log({ tried, lost: lost.length, ms: Math.round(performance.now() - t) });
process.exit();
