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
    // By the second turn either has been noticed.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  },
};
const { tried, lost } = await runTorture(careless, { runs: 3, seed: 1 });
console.log(`${lost.length} of ${tried}`);
