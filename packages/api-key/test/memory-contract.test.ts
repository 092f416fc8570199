import { describe, it } from "vitest";
import { memoryKeyStore } from "../src/index.ts";
import { keyStoreContract } from "../src/testing.ts";

describe("the memory store keeps the contract: it", () => {
  for (const [sentence, test] of Object.entries(keyStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = memoryKeyStore();
        return { store, close: () => store.close() };
      }),
    );
  }
});
