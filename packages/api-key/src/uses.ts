// What a use leaves behind: the time of it, a digest under the latest pepper, a warning before the end. None is waited for, and none
// happens more than once a minute for each key.

import { type Duration, type Logger, parseDuration } from "@holdfast/core";
import type { Digests } from "./digest.ts";
import { ApiKeyError } from "./errors.ts";
import { type KeyHooks, tell } from "./events.ts";
import type { KeyRecord, KeyStore } from "./key-store.ts";

export interface Uses {
  /** The record was used, by this text. */
  note(record: KeyRecord, text: string, now: number): void;
  /** Waits for what is being written. */
  settled(): Promise<void>;
}

interface UsesOptions {
  readonly store: KeyStore;
  readonly digests: Digests;
  readonly on: KeyHooks;
  readonly logger: Logger;
  readonly warnBefore: Duration;
}

const BETWEEN_WRITES_MS = 60_000;
const BETWEEN_WARNINGS_MS = 86_400_000;
// Keys whose last write or warning is remembered; the one that came longest ago is forgotten first, and written once too often.
const MOST_REMEMBERED = 10_000;

export function createUses({ store, digests, on, logger, ...options }: UsesOptions): Uses {
  const warnBeforeMs = parseDuration(options.warnBefore);
  const writtenAt = createMemory();
  const warnedAt = createMemory();
  const pending = new Set<Promise<void>>();

  const inBackground = (id: string, what: string, work: Promise<unknown>): void => {
    const done: Promise<void> = work.then(
      () => void pending.delete(done),
      (error: unknown) => {
        pending.delete(done);
        // Somebody else changed it first, or nothing can be changed there.
        if (!(error instanceof ApiKeyError)) logger.warn({ error, keyId: id }, `${what} could not be written`);
      },
    );
    pending.add(done);
  };

  async function rekey(record: KeyRecord, text: string): Promise<void> {
    const { id, owner, version } = record;
    await store.update(id, version, digests.make(text));
    tell(on, "changed", () => ({ change: "re-peppered", keyId: id, owner, by: null }));
  }

  return {
    note(record, text, now) {
      const { id, lastUsedAt, expiresAt, owner } = record;
      if (lastUsedAt !== null && now - lastUsedAt < BETWEEN_WRITES_MS) return;
      if (now - writtenAt.get(id) < BETWEEN_WRITES_MS) return;
      writtenAt.set(id, now);
      inBackground(id, "The last use of an API key", store.touch(id, now));
      if (record.pepperId !== digests.pepperId && digests.pepperId !== null) {
        inBackground(id, "The new digest of an API key", rekey(record, text));
      }
      if (expiresAt !== null && expiresAt - now <= warnBeforeMs && now - warnedAt.get(id) >= BETWEEN_WARNINGS_MS) {
        warnedAt.set(id, now);
        tell(on, "expiring", () => ({ keyId: id, owner, expiresAt }));
      }
    },
    async settled() {
      await Promise.all(pending);
    },
  };
}

interface Memory {
  /** When; minus infinity where that is not known. */
  get(id: string): number;
  set(id: string, at: number): void;
}

function createMemory(): Memory {
  const times = new Map<string, number>();
  return {
    get: (id) => times.get(id) ?? Number.NEGATIVE_INFINITY,
    set(id, at) {
      // Deleted first, so that the oldest entry is the first one.
      times.delete(id);
      times.set(id, at);
      const [oldest] = times.size > MOST_REMEMBERED ? times.keys() : [];
      if (oldest !== undefined) times.delete(oldest);
    },
  };
}
