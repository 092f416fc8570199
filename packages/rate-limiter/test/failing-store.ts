// A store of the tests' own that answers, hangs or fails as it is told, in all or in what writes.

import { memoryStore, type RateLimitStore } from "../src/index.ts";

export interface FailingStore extends RateLimitStore {
  state: "up" | "hanging" | "failing" | "read-only";
  /** Calls that reached it. */
  asked: number;
}

export function failingStore(): FailingStore {
  const { consumeSync: _, ...memory } = memoryStore();
  const store: FailingStore = {
    ...memory,
    state: "up",
    asked: 0,
    consume: (...call) => answer(() => memory.consume(...call)),
    peek: (...call) => (store.state === "read-only" ? memory.peek(...call) : answer(() => memory.peek(...call))),
    refund: (...call) => answer(() => memory.refund(...call)),
    reset: (...call) => answer(() => memory.reset(...call)),
    block: (...call) => answer(() => memory.block(...call)),
    unblock: (...call) => answer(() => memory.unblock(...call)),
  };
  delete store.consumeMany;
  function answer<T>(ask: () => Promise<T>): Promise<T> {
    store.asked++;
    if (store.state === "failing" || store.state === "read-only")
      return Promise.reject(new Error("connection refused"));
    return store.state === "hanging" ? new Promise(() => {}) : ask();
  }
  return store;
}
