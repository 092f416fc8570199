// Checkpoints in this process: for tests, and for what may start anew with the process.

import type { CheckpointStore, Entry, Outcome, SavedVersion, StoreCall } from "../checkpoint-store.ts";
import { deleted, granted, released, renewed, saved } from "../entry.ts";

interface Stored {
  readonly entry: Entry;
  /** The newest first; the one that stands is the first of them. */
  readonly versions: readonly SavedVersion[];
}

export function memoryStore(): CheckpointStore {
  const stored = new Map<string, Stored>();

  function change(
    key: string,
    changed: Entry | undefined,
    versions: (before: readonly SavedVersion[]) => readonly SavedVersion[] = (before) => before,
  ): Outcome {
    const before = stored.get(key);
    if (!changed) return { ok: false, entry: before?.entry };
    stored.set(key, { entry: changed, versions: versions(before?.versions ?? []) });
    return { ok: true, entry: changed };
  }

  return {
    read: (key, call) => atOnce(call, () => stored.get(key)?.entry),
    save: (key, data, options, call) =>
      atOnce(call, () => {
        const changed = saved(key, stored.get(key)?.entry, data, options);
        const { keep = 0, savedAt, note } = options;
        return change(key, changed, (before) =>
          [{ version: changed?.version ?? 0, data, savedAt, note }, ...before].slice(0, keep + 1),
        );
      }),
    delete: (key, condition = {}, call) =>
      atOnce(call, () => change(key, deleted(stored.get(key)?.entry, condition), () => [])),
    grant: (key, holder, seen, call) =>
      atOnce(call, () => change(key, granted(key, stored.get(key)?.entry, holder, seen))),
    renew: (key, fence, call) => atOnce(call, () => change(key, renewed(stored.get(key)?.entry, fence))),
    release: (key, fence, call) => atOnce(call, () => change(key, released(stored.get(key)?.entry, fence))),
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
