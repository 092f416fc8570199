// Bytes that a call leaves to the collector, its key included. A script of its own, whose nursery is so large that nothing is
// collected while they are counted.

import type { Side } from "../harness.ts";
import { contrast } from "../harness-compare.ts";
import { keysByChance } from "./keys.ts";
import { createExpressStore, createFlexible, createHoldfast, createMap } from "./limiters.ts";
import { MAP } from "./map-bucket.ts";
import { reportComparisons } from "./pooled.ts";

const CALLS = 50_000;

/**
 * Kept where the compiler can't prove that nobody reads it.
 * @public
 */
export let lastResult: unknown;

const key = keysByChance(1000);
const [holdfast, map] = [createHoldfast(), createMap()];
const [flexible, express] = [createFlexible(), createExpressStore()];

const bySync = await bytesOf(() => holdfast.consumeSync(key()));
const byMap = await bytesOf(() => map(key()));
const byAsync = await bytesOf(() => holdfast.consume(key()));
const byFlexible = await bytesOf(() => flexible.consume(key()));
const byExpress = await bytesOf(() => express.increment(key()));
reportComparisons({
  sync: contrast([{ ours: bySync, [MAP]: byMap }]),
  async: contrast([{ ours: byAsync, "rate-limiter-flexible": byFlexible, "express-rate-limit": byExpress }]),
});

/** The last run counts: what the compiler has proved to be short-lived by then is never allocated. */
async function bytesOf(side: Side): Promise<number> {
  let bytes = 0;
  for (let run = 0; run < 3; run++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < CALLS; index++) {
      const made = side(index);
      lastResult = made instanceof Promise ? await made : made;
    }
    bytes = (process.memoryUsage().heapUsed - before) / CALLS;
  }
  return bytes;
}
