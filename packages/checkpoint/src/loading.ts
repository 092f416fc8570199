// How what is stored becomes a value again: the one that stands, the last good one in its place, and those before.

import type { Logger } from "@holdfast/core";
import type { CheckpointStore, Entry, Recovered, StoreCall } from "./checkpoint-store.ts";
import { CheckpointError } from "./errors.ts";
import { type CheckpointHooks, tell } from "./events.ts";
import { runLater } from "./steps.ts";
import { shown, type ValueCodec } from "./stored-value.ts";

export interface Loaded<Value> {
  readonly value: Value;
  /** The version that stands: what `ifVersion` is for the next save. */
  readonly version: number;
  readonly savedAt: Date;
  /** Where that one could not be read: the earlier version that the value is of. */
  readonly recoveredFrom?: number;
}

export interface OldValue<Value> {
  readonly version: number;
  readonly value: Value;
  readonly savedAt: Date;
  readonly reason: string | undefined;
}

export interface LoadingParts<Value> {
  readonly store: CheckpointStore;
  readonly codec: ValueCodec<Value>;
  readonly on: CheckpointHooks;
  readonly logger: Logger;
}

export interface Loading<Value> {
  load(key: string, call?: StoreCall): Promise<Loaded<Value> | undefined>;
  versions(key: string, call?: StoreCall): Promise<readonly OldValue<Value>[]>;
  /** @throws CheckpointError `NOT_FOUND`: that version is not kept */
  valueOfVersion(key: string, version: number, call: StoreCall): Promise<Value>;
}

export function loadingFrom<Value>({ store, codec, on, logger }: LoadingParts<Value>): Loading<Value> {
  const decode = (key: string, data: string): Promise<Value> => runLater(codec.decode(key, data));

  async function load(key: string, call?: StoreCall): Promise<Loaded<Value> | undefined> {
    const entry = await store.read(key, call);
    if (entry?.data == null) return undefined;
    const { version, data, recovered } = entry;
    try {
      const loaded = { value: await decode(key, data), version, savedAt: new Date(entry.savedAt) };
      return recovered ? told(key, loaded, recovered) : loaded;
    } catch (error) {
      if (!(error instanceof CheckpointError) || error.code !== "CORRUPT") throw error;
      return await lastGood(key, entry, error, call);
    }
  }

  async function lastGood(key: string, entry: Entry, error: CheckpointError, call?: StoreCall): Promise<Loaded<Value>> {
    for (const { version, data, savedAt } of await store.versions(key, call)) {
      if (version >= entry.version) continue;
      const value = await decode(key, data).catch(() => undefined);
      if (value === undefined) continue;
      const loaded = { value, version: entry.version, savedAt: new Date(savedAt) };
      return told(key, loaded, { version, because: error.message });
    }
    throw error;
  }

  function told(key: string, loaded: Loaded<Value>, { version, because }: Recovered): Loaded<Value> {
    logger.warn({ key, version }, "A checkpoint can't be read; an earlier version takes its place");
    tell(on, "recovered", () => ({ key, version, because }));
    return { ...loaded, recoveredFrom: version };
  }

  return {
    load,
    async versions(key, call) {
      const kept = await store.versions(key, call);
      const decoded = kept.map(async ({ version, data, savedAt, note }) => ({
        version,
        value: await decode(key, data),
        savedAt: new Date(savedAt),
        reason: note,
      }));
      return await Promise.all(decoded);
    },
    async valueOfVersion(key, version, call) {
      const kept = (await store.versions(key, call)).find((one) => one.version === version);
      if (kept !== undefined) return await decode(key, kept.data);
      throw new CheckpointError(
        "NOT_FOUND",
        `${shown(key)} has no version ${version} any more; versions() lists those that it has`,
      );
    },
  };
}
