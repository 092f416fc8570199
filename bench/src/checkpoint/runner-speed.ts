// The runner over pages in memory, as a script measures it: beside a bare loop, and over bad records beside good ones.

import { setImmediate } from "node:timers/promises";
import { createCheckpoints, memoryStore } from "@holdfast/checkpoint";
import { type DeadLetter, type IngestOptions, ingest, type Source } from "@holdfast/checkpoint/ingest";
import { type Comparison, compare, type Side, type Sides } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { reportComparisons } from "../rate-limiter/pooled.ts";
import { type Post, pagesOf, post } from "./records.ts";

const WARM_UP = 40;
const TURNS = { iterations: 10, rounds: 7, now: processorMs };

/** Made once, as a service makes it, however often it runs. */
function sourceOf(pages: readonly string[]): Source<number> {
  return {
    async *pages(cursor = 0) {
      for (let at = cursor; at < pages.length; at++) yield { records: JSON.parse(pages[at] ?? ""), cursor: at + 1 };
    },
  };
}

const pages = { good: pagesOf("good"), bad: pagesOf("bad") };
const sources = { good: sourceOf(pages.good), bad: sourceOf(pages.bad) };

async function run(quality: "good" | "bad", more: Partial<IngestOptions<Post, number>> = {}): Promise<number> {
  const rows: Post[] = [];
  const { processed, failed } = await ingest<Post, number>({
    key: "posts",
    checkpoints: createCheckpoints<number>({ store: memoryStore() }),
    source: sources[quality],
    schema: post,
    id: ({ id }) => id,
    sink: async (batch) => void rows.push(...batch),
    ...more,
  });
  return expectAll(pages[quality], processed + failed);
}

/** With a sink for what is refused. */
async function runTolerant(quality: "good" | "bad"): Promise<number> {
  const letters: DeadLetter[] = [];
  return await run(quality, { deadLetters: async (batch) => void letters.push(...batch), tolerate: { share: 1 } });
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

/** As after each page that comes from a network. Until then nothing is let go of that a weak reference was made to. */
function thenATurn(act: () => number | Promise<number>): Side {
  return async () => {
    const count = await act();
    await setImmediate();
    return count;
  };
}

const [alone, bareLoop, ofGood, ofBad] = [
  () => run("good"),
  () => loop(pages.good),
  () => runTolerant("good"),
  () => runTolerant("bad"),
].map(thenATurn);
if (!alone || !bareLoop || !ofGood || !ofBad) throw new Error("there are four");

const besideLoop = await compareWarm({ ours: alone, peers: { "bare-loop": bareLoop } });
const besideGood = await compareWarm({ ours: ofBad, peers: { "good-records": ofGood } });
reportComparisons({ loop: besideLoop, flood: besideGood });

/** The compiler works beside the runs, and has more to do for a runner than for a loop. */
async function compareWarm(sides: Sides): Promise<Comparison> {
  for (const side of [sides.ours, ...Object.values(sides.peers)])
    for (let turn = 0; turn < WARM_UP; turn++) await side(turn);
  return await compare(sides, TURNS);
}
