// Calls at random on a store and on the memory store, which must answer alike.

import assert from "node:assert/strict";
import { createManualClock } from "@holdfast/core";
import { compileRules, type RuleSet } from "../rule.ts";
import type { RateLimitStore, StoreReading } from "../store.ts";
import { memoryStore } from "../stores/memory.ts";
import { START } from "./harness.ts";

/** One random rule set, and 60 random calls on three keys, on the store and on the memory store, at the same times. */
export async function compareWithMemory(
  store: RateLimitStore,
  setClock: (ms: number) => void,
  random: () => number,
  round: number,
): Promise<void> {
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const inputs = Array.from({ length: upTo(3) }, (_, index) => {
    return { limit: upTo(1000), window: upTo(100_000), burst: upTo(30), name: `rule ${index}` };
  });
  const penalty = random() < 0.5 ? { refusals: upTo(4), within: upTo(10_000), block: upTo(5000) } : undefined;
  const rules = compileRules(`random ${round}`, inputs, penalty);
  const manual = createManualClock();
  let now = START;
  const model = memoryStore({ clock: { ...manual, monotonic: () => now } });
  for (let step = 0; step < 60; step++) {
    now += random() < 0.1 ? -upTo(3000) : upTo(random() < 0.2 ? 100_000 : 200);
    setClock(now);
    const key = `key ${upTo(3)}`;
    const cost = Math.min(rules.smallestBurst, upTo(5) - 1);
    const ask = askAtRandom(random(), rules, key, cost);
    assert.deepEqual(plain(await ask(store)), plain(await ask(model)), `round ${round}, step ${step}, cost ${cost}`);
  }
}

function askAtRandom(
  roll: number,
  rules: RuleSet,
  key: string,
  cost: number,
): (store: RateLimitStore) => Promise<unknown> {
  if (roll < 0.05) return (store) => store.refund(rules, key, cost);
  if (roll < 0.08) return (store) => store.reset(rules, key);
  if (roll < 0.11) return (store) => store.block(rules, key, 1 + cost * 500);
  if (roll < 0.14) return (store) => store.unblock(rules, key);
  if (roll < 0.25) return (store) => store.peek(rules, key);
  return (store) => store.consume(rules, key, cost);
}

function plain(reading: unknown): unknown {
  const { outcome, used, blockedMs } = (reading ?? {}) as Partial<StoreReading>;
  return { outcome, used: used && [...used], blockedMs };
}

/** A small seeded generator, so that a failure repeats itself. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
