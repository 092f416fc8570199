// Runs a torture whose first two runs fail behind its back, and prints the account.

import type { Torture } from "@holdfast/testing/torture";
import { runTorture } from "../../src/torture-runs.ts";

let run = 0;
const careless: Torture = {
  name: "careless",
  sample: 1,
  run: async () => {
    run++;
    if (run === 1) setImmediate(() => JSON.parse("{"));
    if (run === 2) void Promise.reject(new Error("nobody waits for me"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
};
const { tried, lost } = await runTorture(careless, { runs: 3, seed: 1 });
console.log(`${lost.length} of ${tried}`);
