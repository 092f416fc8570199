import { createManualClock } from "@holdfast/core";
import { describe, it } from "vitest";
import { memoryStore } from "../src/index.ts";
import { rateLimitStoreContract } from "../src/testing.ts";

describe("the memory store keeps the contract: it", () => {
  for (const [sentence, test] of Object.entries(rateLimitStoreContract)) {
    it(sentence, () =>
      test(async () => {
        let now = 0;
        const store = memoryStore({ clock: { ...createManualClock(), monotonic: () => now } });
        return { store, setClock: (ms) => (now = ms), close: () => store.close() };
      }),
    );
  }
});
