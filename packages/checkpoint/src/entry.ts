// The rules of an entry, as pure functions: what a change makes of it, or that it is refused. Stores that have no language of their own to
// say them in go by these; the others are held to the same by the contract.

import type { Condition, Entry, SaveOptions } from "./checkpoint-store.ts";

/** Undefined where the change is refused. */
type Change = Entry | undefined;

export function saved(key: string, entry: Entry | undefined, data: string, options: SaveOptions): Change {
  if (!holds(entry, options)) return undefined;
  const { version = 0, fence = 0, holder = null, beat = 0 } = entry ?? {};
  return { key, version: version + 1, data, savedAt: options.savedAt, fence, holder, beat };
}

export function deleted(entry: Entry | undefined, condition: Condition): Change {
  if (entry?.data == null || !holds(entry, condition)) return undefined;
  return { ...entry, version: entry.version + 1, data: null };
}

export function granted(
  key: string,
  entry: Entry | undefined,
  holder: string,
  seen: Pick<Entry, "fence" | "beat"> | undefined,
): Change {
  if (entry?.fence !== seen?.fence || entry?.beat !== seen?.beat) return undefined;
  const { version = 0, data = null, savedAt = 0, fence = 0, beat = 0 } = entry ?? {};
  return { key, version, data, savedAt, fence: fence + 1, holder, beat: beat + 1 };
}

export function renewed(entry: Entry | undefined, fence: number): Change {
  return entry?.fence === fence && entry.holder !== null ? { ...entry, beat: entry.beat + 1 } : undefined;
}

export function released(entry: Entry | undefined, fence: number): Change {
  const change = renewed(entry, fence);
  return change && { ...change, holder: null };
}

function holds(entry: Entry | undefined, { ifVersion, fence }: Condition): boolean {
  if (fence !== undefined && entry?.fence !== fence) return false;
  if (ifVersion === undefined) return true;
  return ifVersion === 0 ? entry?.data == null : entry?.data != null && entry.version === ifVersion;
}
