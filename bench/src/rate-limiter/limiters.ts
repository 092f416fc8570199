// The limiters in memory that are compared. None ever refuses, or forgets a key while it is measured.

import { createRateLimiter, memoryStore, type SyncRateLimiter } from "@holdfast/rate-limiter";
import { MemoryStore } from "express-rate-limit";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { mapBucket } from "./map-bucket.ts";
import { BURST, LIMIT, RULE, WINDOW_MS } from "./rule.ts";

export function createHoldfast(): SyncRateLimiter {
  return createRateLimiter({ rules: RULE, store: memoryStore({ maxKeys: 1_000_000 }) });
}

export function createMap(): (key: string) => boolean {
  return mapBucket(BURST, LIMIT / WINDOW_MS);
}

export function createFlexible(): RateLimiterMemory {
  return new RateLimiterMemory({ points: BURST, duration: WINDOW_MS / 1000 });
}

export function createExpressStore(): MemoryStore {
  const store = new MemoryStore();
  store.init({ windowMs: WINDOW_MS } as Parameters<MemoryStore["init"]>[0]);
  return store;
}
