import { describe, it } from "vitest";
import { memoryStore } from "../src/stores/memory.ts";
import { checkpointStoreContract } from "../src/testing.ts";

describe("the store in memory", () => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = memoryStore();
        return { store, other: store, close: () => store.close() };
      }),
    );
  }
});
