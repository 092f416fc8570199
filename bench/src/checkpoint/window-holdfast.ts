import { createCheckpoints, memoryStore } from "@holdfast/checkpoint";
import { ingest } from "@holdfast/checkpoint/ingest";
import { z } from "zod";
import { bytesPerKey, report } from "../harness.ts";
import { IDS, pagesOfIds } from "./window-ids.ts";

const read = Promise.withResolvers<void>();
const weighed = Promise.withResolvers<void>();
let run: Promise<unknown> | undefined;

const bytes = await bytesPerKey(IDS, async () => {
  run = ingest<string, number>({
    key: "ids",
    checkpoints: createCheckpoints<number>({ store: memoryStore() }),
    source: {
      async *pages() {
        let cursor = 0;
        for (const records of pagesOfIds()) yield { records, cursor: ++cursor };
        // The run is not over, and holds what it knows.
        read.resolve();
        await weighed.promise;
      },
    },
    schema: z.string(),
    id: (id) => id,
    window: IDS,
    sink: async () => {},
  });
  await Promise.race([read.promise, run]);
});
weighed.resolve();
await run;
report({ bytes });
