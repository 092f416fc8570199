// The rules of what is kept under a key, as pure functions: what a change makes of it, or that it is refused. Stores that have no language of
// their own to say them in go by these; the others are held to the same by the contract.

import type { Condition, Entry, SavedVersion, SaveOptions } from "./checkpoint-store.ts";
import { CheckpointError } from "./errors.ts";

/** All that is kept under a key. */
export interface Stored {
  readonly entry: Entry;
  /** The newest first; where there is data, the one that stands is the first of them. */
  readonly versions: readonly SavedVersion[];
}

/** What is kept after a change; undefined where it is refused. */
type Change = Stored | undefined;

/** What a change makes of what is kept. */
export type Decide = (stored: Stored | undefined) => Change;

export function saved(key: string, stored: Stored | undefined, data: string, options: SaveOptions): Change {
  if (!holds(stored?.entry, options)) return undefined;
  const { fence = 0, holder = null, beat = 0 } = stored?.entry ?? {};
  const { savedAt, note, keep = 0 } = options;
  const version = (stored?.entry.version ?? 0) + 1;
  return {
    entry: { key, version, data, savedAt, fence, holder, beat },
    versions: [{ version, data, savedAt, note }, ...(stored?.versions ?? [])].slice(0, keep + 1),
  };
}

export function deleted(stored: Stored | undefined, condition: Condition): Change {
  if (stored?.entry.data == null || !holds(stored.entry, condition)) return undefined;
  return { entry: { ...stored.entry, version: stored.entry.version + 1, data: null }, versions: [] };
}

export function granted(
  key: string,
  stored: Stored | undefined,
  holder: string,
  seen: Pick<Entry, "fence" | "beat"> | undefined,
): Change {
  if (stored?.entry.fence !== seen?.fence || stored?.entry.beat !== seen?.beat) return undefined;
  const { version = 0, data = null, savedAt = 0, fence = 0, beat = 0 } = stored?.entry ?? {};
  const entry = { key, version, data, savedAt, fence: fence + 1, holder, beat: beat + 1 };
  return { entry, versions: stored?.versions ?? [] };
}

export function renewed(stored: Stored | undefined, fence: number): Change {
  if (stored?.entry.fence !== fence || stored.entry.holder === null) return undefined;
  return { ...stored, entry: { ...stored.entry, beat: stored.entry.beat + 1 } };
}

export function released(stored: Stored | undefined, fence: number): Change {
  const change = renewed(stored, fence);
  return change && { ...change, entry: { ...change.entry, holder: null } };
}

function holds(entry: Entry | undefined, { ifVersion, fence }: Condition): boolean {
  if (fence !== undefined && entry?.fence !== fence) return false;
  if (ifVersion === undefined) return true;
  return ifVersion === 0 ? entry?.data == null : entry?.data != null && entry.version === ifVersion;
}

/** @throws CheckpointError `TOO_LARGE` */
export function assertFits(key: string, data: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxBytes) return;
  throw new CheckpointError("TOO_LARGE", `the data of ${key} has ${bytes} bytes, and maxBytes is ${maxBytes}`);
}
