// What tests of runs are made of.

import * as z from "zod";
import type { CheckpointStore } from "../src/checkpoint-store.ts";
import { createCheckpoints, memoryStore } from "../src/index.ts";
import type { IngestOptions, Page, Source } from "../src/ingest.ts";

export interface Row {
  readonly id: string;
  readonly n: number;
}

export const rowSchema: z.ZodType<Row> = z.object({ id: z.string(), n: z.number() });

export function row(n: number): Row {
  return { id: `id ${n}`, n };
}

/** Pages of `size` rows, `total` in all; the cursor is how many came before. `onPage` is called before each. */
export function countingSource(total: number, size: number, onPage?: (from: number) => void): Source<number> {
  return {
    async *pages(cursor = 0) {
      for (let from = cursor; from < total; from += size) {
        onPage?.(from);
        const until = Math.min(from + size, total);
        yield { records: Array.from({ length: until - from }, (_, index) => row(from + index)), cursor: until };
      }
    },
  };
}

/** The pages that are given, from the cursor on; the cursor of each is its place. */
export function pagesOf(...pages: readonly (readonly unknown[])[]): Source<number> {
  return {
    async *pages(cursor = 0) {
      for (const [index, records] of pages.entries()) {
        if (index >= cursor) yield { records, cursor: index + 1 } satisfies Page<number>;
      }
    },
  };
}

export function newRun(
  store: CheckpointStore = memoryStore(),
): Pick<IngestOptions<Row, number>, "key" | "checkpoints" | "schema"> {
  return { key: "rows", checkpoints: createCheckpoints<number>({ store }), schema: rowSchema };
}
