import { describe, it } from "vitest";
import { memoryTokenStore } from "../src/index.ts";
import { tokenStoreContract } from "../src/testing.ts";

describe("the memory store keeps the contract: it", () => {
  for (const [sentence, test] of Object.entries(tokenStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = memoryTokenStore();
        return { store, close: () => store.close() };
      }),
    );
  }
});
