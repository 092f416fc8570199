// Checkpoints in this process: for tests, and for what may start anew with the process.

import type { CheckpointStore, Outcome, StoreCall } from "../checkpoint-store.ts";
import { type Decide, deleted, granted, released, renewed, type Stored, saved } from "../entry.ts";

export function memoryStore(): CheckpointStore {
  const stored = new Map<string, Stored>();

  const change = (key: string, call: StoreCall | undefined, decide: Decide): Promise<Outcome> =>
    atOnce(call, () => {
      const before = stored.get(key);
      const changed = decide(before);
      if (!changed) return { ok: false, entry: before?.entry };
      stored.set(key, changed);
      return { ok: true, entry: changed.entry };
    });

  return {
    read: (key, call) => atOnce(call, () => stored.get(key)?.entry),
    save: (key, data, options, call) => change(key, call, (stored) => saved(key, stored, data, options)),
    delete: (key, condition = {}, call) => change(key, call, (stored) => deleted(stored, condition)),
    grant: (key, holder, seen, call) => change(key, call, (stored) => granted(key, stored, holder, seen)),
    renew: (key, fence, call) => change(key, call, (stored) => renewed(stored, fence)),
    release: (key, fence, call) => change(key, call, (stored) => released(stored, fence)),
    async *list(prefix, call) {
      const keys = [...stored.keys()].filter((key) => key.startsWith(prefix) && stored.get(key)?.entry.data != null);
      for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        call?.signal?.throwIfAborted();
        const { version, savedAt, data } = stored.get(key)?.entry ?? { data: null, version: 0, savedAt: 0 };
        if (data !== null) yield { key, version, savedAt };
      }
    },
    versions: (key, call) => atOnce(call, () => stored.get(key)?.versions ?? []),
    close: async () => {},
  };
}

async function atOnce<T>(call: StoreCall | undefined, act: () => T): Promise<T> {
  call?.signal?.throwIfAborted();
  return act();
}
