import { describe, it } from "vitest";
import { leasingStoreContract } from "../src/testing.ts";
import { leaseModel } from "./lease-model.ts";

// Blocks are the real stores' business; all else of the contract holds of the model that the simulation of leases runs on.
const sentences = Object.entries(leasingStoreContract).filter(([sentence]) => !sentence.includes("block"));

describe("the model of a store that lends", () => {
  for (const [sentence, test] of sentences) {
    it(sentence, () =>
      test(async () => {
        let now = 0;
        return {
          store: leaseModel(() => now),
          setClock(ms) {
            now = ms;
          },
          async close() {},
        };
      }),
    );
  }
});
