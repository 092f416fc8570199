import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { fileStore } from "../src/stores/file.ts";
import { checkpointStoreContract } from "../src/testing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the store in a folder", () => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = fileStore({ folder });
        const other = fileStore({ folder });
        return {
          store,
          other,
          async close() {
            await store.close();
            await other.close();
          },
        };
      }),
    );
  }
});
