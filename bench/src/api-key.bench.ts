// @holdfast/api-key: a check in memory beside a peer that hashes and compares alone, what a refusal costs, and whether its time tells
// anything.

import { checkRows } from "./api-key/check.ts";
import { constantTimeRows } from "./api-key/constant-time.ts";
import type { Bench } from "./harness.ts";

export const bench: Bench = {
  name: "api-key",
  async run() {
    return [...(await checkRows()), ...(await constantTimeRows())];
  },
};
