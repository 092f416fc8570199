// How a value is saved: under which condition, when it is tried again, and what a refusal is called.

import type { Clock, Logger } from "@holdfast/core";
import type { CheckpointStore, Outcome, StoreCall, SyncCheckpointStore } from "./checkpoint-store.ts";
import { CheckpointError } from "./errors.ts";
import { type CheckpointHooks, tell } from "./events.ts";
import type { Lease } from "./lease.ts";
import { type Steps, step } from "./steps.ts";
import { shown, type ValueCodec } from "./stored-value.ts";

export interface SaveOptions extends StoreCall {
  /** Saves only if this version stands; 0: only if there is none. Default: whatever stands. */
  readonly ifVersion?: number | undefined;
  /** Saves only if the lease is still ours. */
  readonly lease?: Pick<Lease, "fence"> | undefined;
  /** The store inside a transaction, as a store's `within` makes it. Default: the store itself. */
  readonly within?: CheckpointStore | undefined;
}

export interface SavingParts<Value> {
  /** Of those that are run now, a SyncCheckpointStore. */
  readonly store: CheckpointStore;
  readonly codec: ValueCodec<Value>;
  readonly order: ((a: Value, b: Value) => number) | undefined;
  readonly history: number;
  readonly maxBytes: number;
  readonly on: CheckpointHooks;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Saving<Value> {
  /** Ends with the new version. With a note, the value may be an earlier one. */
  save(key: string, value: Value, options: SaveOptions, note?: string): Steps<number>;
  refusal(key: string, outcome: Outcome, lease: Pick<Lease, "fence"> | undefined): CheckpointError;
}

const TRIES = 20;

export function savingTo<Value>(parts: SavingParts<Value>): Saving<Value> {
  const { store, codec, order, history, maxBytes, on, logger, clock } = parts;
  const syncStore = store as SyncCheckpointStore;

  function* save(key: string, value: Value, { lease, ...given }: SaveOptions, note?: string): Steps<number> {
    const startedAt = clock.monotonic();
    const data = yield* codec.encode(key, value);
    const target = given.within ?? store;
    const bytes = Buffer.byteLength(data);
    if (bytes > 0.8 * maxBytes) logger.warn({ key, bytes, maxBytes }, "A checkpoint is near its largest size");
    for (let triesLeft = TRIES; ; triesLeft--) {
      const goesOn = order !== undefined && note === undefined;
      const ifVersion = goesOn ? yield* versionToFollow(key, value, order, given) : given.ifVersion;
      const options = { ifVersion, fence: lease?.fence, savedAt: clock.now(), keep: history, note };
      const outcome = yield* step(
        () => syncStore.saveSync(key, data, options),
        () => target.save(key, data, options, given),
      );
      if (outcome.ok) {
        const { version } = outcome.entry;
        tell(on, "saved", () => ({ key, version, bytes, durationMs: clock.monotonic() - startedAt }));
        return version;
      }
      // Under no condition of the caller's, another's save between our look and our save only means another look.
      const isOurs =
        given.ifVersion === undefined &&
        ifVersion !== undefined &&
        outcome.entry?.fence === (lease?.fence ?? outcome.entry?.fence);
      if (!isOurs || triesLeft === 1) throw refusal(key, outcome, lease);
    }
  }

  /** The version that this value does not go back behind. */
  function* versionToFollow(
    key: string,
    value: Value,
    order: (a: Value, b: Value) => number,
    { ifVersion, within, signal }: SaveOptions,
  ): Steps<number | undefined> {
    const entry = yield* step(
      () => syncStore.readSync(key),
      () => (within ?? store).read(key, { signal }),
    );
    if (entry?.data == null) return ifVersion ?? 0;
    if (ifVersion !== undefined && ifVersion !== entry.version) return ifVersion;
    if (order(value, yield* codec.decode(key, entry.data)) >= 0) return entry.version;
    tell(on, "conflict", () => ({ key, code: "WENT_BACK", currentVersion: entry.version }));
    throw new CheckpointError(
      "WENT_BACK",
      `${shown(key)} would go back behind version ${entry.version}; if it is to, say so by rewind`,
      { currentVersion: entry.version },
    );
  }

  function refusal(key: string, { entry }: Outcome, lease: Pick<Lease, "fence"> | undefined): CheckpointError {
    const isStale = lease !== undefined && entry?.fence !== lease.fence;
    const code = isStale ? "STALE_LEASE" : "CONFLICT";
    const currentVersion = entry?.data == null ? 0 : entry.version;
    tell(on, "conflict", () => ({ key, code, currentVersion }));
    const why = isStale
      ? `the lease was granted again since, to ${entry?.holder ?? "somebody else"}`
      : "somebody saved meanwhile";
    return new CheckpointError(code, `${shown(key)} was not saved: ${why}; version ${currentVersion} stands`, {
      currentVersion,
    });
  }

  return { save, refusal };
}
