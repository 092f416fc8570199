// @holdfast/http-retry: what a server that loses its capacity meets, with and without a retry budget. Simulated.

import type { Bench } from "./harness.ts";
import { stormRows } from "./http-retry/storm.ts";

export const bench: Bench = {
  name: "http-retry-storm",
  async run() {
    return stormRows();
  },
};
