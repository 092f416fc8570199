import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { CheckpointStore } from "../src/checkpoint-store.ts";
import { type FileStore, fileStore } from "../src/stores/file.ts";
import { checkpointStoreContract } from "../src/testing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const saves: Readonly<Record<string, (store: FileStore) => CheckpointStore>> = {
  save: (store) => store,
  saveSync: (store) => ({
    ...store,
    async save(key, data, options, call) {
      call?.signal?.throwIfAborted();
      return store.saveSync(key, data, options);
    },
  }),
};

describe.each(Object.entries(saves))("the store in a folder, by %s,", (_, by) => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = by(fileStore({ folder }));
        const other = by(fileStore({ folder }));
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
