// Calls on buckets in memory that have been asked for before, as two scripts measure them: on one key, and on many.

import { setTimeout as wait } from "node:timers/promises";
import { type Comparison, compare, type Sides } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { keysByChance, keysOnce } from "./keys.ts";
import { createExpressStore, createFlexible, createHoldfast, createMap } from "./limiters.ts";
import { MAP } from "./map-bucket.ts";

const ROUNDS = 5;
const WARM_UP_TURNS = 4;

export function compareSync(keys: number, iterations: number): Promise<Comparison> {
  const key = keysByChance(keys);
  const [ours, map] = [createHoldfast(), createMap()];
  const sides = { ours: () => ours.consumeSync(key()).allowed, peers: { [MAP]: () => map(key()) } };
  fill(keys, (one) => [ours.consumeSync(one), map(one)]);
  return compareWarm(sides, iterations);
}

export function compareAsync(keys: number, iterations: number): Promise<Comparison> {
  const key = keysByChance(keys);
  const [ours, flexible, express] = [createHoldfast(), createFlexible(), createExpressStore()];
  const sides = {
    ours: () => ours.consume(key()),
    peers: {
      "rate-limiter-flexible": () => flexible.consume(key()),
      "express-rate-limit": () => express.increment(key()),
    },
  };
  fill(keys, (one) => [ours.consume(one), flexible.consume(one), express.increment(one)]);
  return compareWarm(sides, iterations);
}

/** A first call on every key. New keys are another benchmark. */
function fill(keys: number, consume: (key: string) => unknown): void {
  const key = keysOnce(keys);
  for (let index = 0; index < keys; index++) consume(key(index));
}

async function compareWarm(sides: Sides, iterations: number): Promise<Comparison> {
  // The compiler works beside the calls, and on a busy machine takes its time.
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    for (const side of [sides.ours, ...Object.values(sides.peers)]) {
      for (let index = 0; index < iterations / WARM_UP_TURNS; index++) await side(index);
      await wait(20);
    }
  }
  return compare(sides, { rounds: ROUNDS, iterations, now: processorMs });
}
