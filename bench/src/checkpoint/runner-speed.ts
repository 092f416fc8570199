// The runner over pages in memory, as a script measures it: beside a bare loop, and over bad records beside good ones.

import { createCheckpoints, memoryStore } from "@holdfast/checkpoint";
import { type DeadLetter, ingest } from "@holdfast/checkpoint/ingest";
import { compare } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { reportComparisons } from "../rate-limiter/pooled.ts";
import { type Post, pagesOf, post } from "./records.ts";

const [good, bad] = [pagesOf("good"), pagesOf("bad")];
const TURNS = { iterations: 3, rounds: 7, now: processorMs };

async function run(pages: readonly string[]): Promise<number> {
  const rows: Post[] = [];
  const letters: DeadLetter[] = [];
  await ingest<Post, number>({
    key: "posts",
    checkpoints: createCheckpoints<number>({ store: memoryStore() }),
    source: {
      async *pages(cursor = 0) {
        for (let at = cursor; at < pages.length; at++) yield { records: JSON.parse(pages[at] ?? ""), cursor: at + 1 };
      },
    },
    schema: post,
    id: ({ id }) => id,
    sink: async (batch) => void rows.push(...batch),
    deadLetters: async (batch) => void letters.push(...batch),
    tolerate: { share: 1 },
  });
  return expectAll(pages, rows.length + letters.length);
}

function loop(pages: readonly string[]): number {
  const seen = new Set<string>();
  const rows: Post[] = [];
  for (const page of pages) {
    for (const record of JSON.parse(page) as unknown[]) {
      const { success, data } = post.safeParse(record);
      if (!success || seen.has(data.id)) continue;
      seen.add(data.id);
      rows.push(data);
    }
  }
  return expectAll(pages, rows.length);
}

/** A side that leaves something out would be the quickest. */
function expectAll(pages: readonly string[], count: number): number {
  if (count !== pages.length * 100) throw new Error(`of ${pages.length} pages there are ${count} records`);
  return count;
}

reportComparisons({
  loop: await compare({ ours: () => run(good), peers: { "bare-loop": () => loop(good) } }, TURNS),
  flood: await compare({ ours: () => run(bad), peers: { "good-records": () => run(good) } }, TURNS),
});
