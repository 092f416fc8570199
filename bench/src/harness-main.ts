// The process in which one benchmark runs, started by scripts/bench.ts: `harness-main.ts FILE`. Each benchmark has its
// own, so that what one leaves in the heap and in the compiler's memory does not weigh on the next.

import { pathToFileURL } from "node:url";
import type { Bench } from "./harness-row.ts";

const [, , file = ""] = process.argv;
const { bench } = (await import(pathToFileURL(file).href)) as { bench: Bench };
process.send?.(await bench.run(), () => process.disconnect());
