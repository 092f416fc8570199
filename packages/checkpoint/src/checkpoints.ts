// What the user holds: values by key, saved, loaded, leased, and never silently lost.

import {
  type Bytes,
  type Clock,
  type Duration,
  type Logger,
  parseBytes,
  parseDuration,
  type StandardSchemaV1,
  silentLogger,
  systemClock,
} from "@holdfast/core";
import type { Seal } from "@holdfast/core/seal";
import {
  type CheckpointStore,
  isKey,
  type Listed,
  type StoreCall,
  type SyncCheckpointStore,
} from "./checkpoint-store.ts";
import { type Coalesced, coalesce } from "./coalesced.ts";
import { CheckpointError } from "./errors.ts";
import { type CheckpointHooks, tell } from "./events.ts";
import { type Lease, withLease } from "./lease.ts";
import { type Loaded, loadingFrom, type OldValue } from "./loading.ts";
import { type SaveOptions, savingTo } from "./saving.ts";
import { runLater, runNow } from "./steps.ts";
import { type Migrations, valueCodec } from "./stored-value.ts";

export interface CheckpointsOptions<Value> {
  readonly store: CheckpointStore;
  /** Checks values on their way in and out: zod, valibot, arktype, or any other Standard Schema. Default: none. */
  readonly schema?: StandardSchemaV1<unknown, Value> | undefined;
  /** Goes up when the schema changes so that old values no longer fit. Default 1. */
  readonly schemaVersion?: number | undefined;
  /** By the schema version that a value stands under, what makes it one of the next. */
  readonly migrate?: Migrations | undefined;
  /** The most that a value may take, as it is stored. Told of from four fifths on. Default 256 KiB. */
  readonly maxBytes?: Bytes | undefined;
  /** How many earlier versions of each value stay readable. Default 0. */
  readonly history?: number | undefined;
  /** Compares as `Array.prototype.sort` has it. Where given, a value never goes back but by `rewind` or `rollback`. */
  readonly order?: ((a: Value, b: Value) => number) | undefined;
  /** Encrypts values at rest. Default: they are kept as they are. */
  readonly seal?: Seal | undefined;
  readonly on?: CheckpointHooks | undefined;
  readonly logger?: Logger | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface RewindOptions extends SaveOptions {
  /** Kept with the version. */
  readonly reason: string;
}

export interface WithLeaseOptions {
  /** How long the lease outlives a holder that is gone. All who share a key give the same. Default 30 s; 100 ms to a day. */
  readonly ttl?: Duration | undefined;
  /** How long to wait for another; 0 not at all. Default: as long as it takes. */
  readonly wait?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CoalesceOptions extends Omit<SaveOptions, "ifVersion" | "within"> {
  /** Saves at the latest so long after a value came. Default 1 s. */
  readonly every?: Duration | undefined;
  /** And at once when so many have come. Default 1000. */
  readonly count?: number | undefined;
}

/** All calls throw `INVALID_KEY`, and what the store throws: `BUSY`, `STORE_FAILED`. */
export interface Checkpoints<Value> {
  /**
   * The value, or undefined where none was ever saved. What can't be read is never taken for that: where earlier versions are kept, the
   * last good one takes its place, and is told of.
   * @throws CheckpointError `CORRUPT`, `NEWER_VERSION`, `MIGRATION_FAILED`, `NOT_AUTHENTIC`, `INVALID_VALUE`
   */
  load(key: string, call?: StoreCall): Promise<Loaded<Value> | undefined>;
  /** Resolves to the new version. @throws CheckpointError `CONFLICT`, `STALE_LEASE`, `WENT_BACK`, `INVALID_VALUE`, `TOO_LARGE` */
  save(key: string, value: Value, options?: SaveOptions): Promise<number>;
  /** As `save`, for a value that may be an earlier one. */
  rewind(key: string, value: Value, options: RewindOptions): Promise<number>;
  /** Saves an earlier version's value anew. @throws CheckpointError `NOT_FOUND`: that version is not kept */
  rollback(key: string, version: number, options: RewindOptions): Promise<number>;
  /** The newest first. */
  versions(key: string, call?: StoreCall): Promise<readonly OldValue<Value>[]>;
  /** Keys that begin with `prefix`, in the order of their UTF-8 bytes. */
  list(prefix: string, call?: StoreCall): AsyncIterable<Listed>;
  /** Resolves to whether there was a value. @throws CheckpointError `CONFLICT`, `STALE_LEASE` */
  delete(key: string, options?: Omit<SaveOptions, "within">): Promise<boolean>;
  /**
   * Runs `work` while the key is leased to us alone. Settles as the work does.
   * @throws CheckpointError `LEASE_HELD`
   */
  withLease<T>(key: string, work: (lease: Lease) => Promise<T>, options?: WithLeaseOptions): Promise<T>;
  /** For values that come faster than they need to be saved: only the latest is, now and then. A crash costs what came since. */
  coalesce(key: string, options?: CoalesceOptions): Coalesced<Value>;
}

/** Over a store that can do so, such as that of files: saves without a promise. */
export interface SyncCheckpoints<Value> extends Checkpoints<Value> {
  /**
   * As `save`, and done when it returns: for a process that is about to exit, and for a script that saves one thing after the other. A server takes
   * `save`, since it answers nobody while this one waits for the disk.
   * @throws CheckpointError as `save`; `BUSY`: also where this process is in the middle of another call on the key; `INVALID_OPTION`: the schema
   * validates by a promise
   */
  saveSync(key: string, value: Value, options?: Pick<SaveOptions, "ifVersion" | "lease">): number;
}

const MOST_HISTORY = 1000;

/**
 * Makes checkpoints over a store.
 *
 * @example
 * const checkpoints = createCheckpoints({ store, schema: z.object({ cursor: z.string() }) });
 * await checkpoints.withLease("orders", async (lease) => {
 *   const at = await checkpoints.load("orders");
 *   for await (const page of pagesAfter(at?.value.cursor, lease.signal)) {
 *     await write(page);
 *     await checkpoints.save("orders", { cursor: page.cursor }, { lease });
 *   }
 * });
 *
 * @throws CheckpointError `INVALID_OPTION`
 */
export function createCheckpoints<Value = unknown>(
  options: CheckpointsOptions<Value> & { readonly store: SyncCheckpointStore },
): SyncCheckpoints<Value>;
export function createCheckpoints<Value = unknown>(options: CheckpointsOptions<Value>): Checkpoints<Value>;
export function createCheckpoints<Value = unknown>(options: CheckpointsOptions<Value>): Checkpoints<Value> {
  const { store, on = {}, logger = silentLogger, clock = systemClock, order } = options;
  const history = whole("history", options.history ?? 0, 0, MOST_HISTORY);
  const schemaVersion = whole("schemaVersion", options.schemaVersion ?? 1, 1, 1_000_000);
  const maxBytes = whole("maxBytes", parseBytes(options.maxBytes ?? "256KiB"), 1, 2 ** 30);
  const codec = valueCodec<Value>({
    schema: options.schema,
    schemaVersion,
    migrate: options.migrate ?? {},
    maxBytes,
    seal: options.seal,
  });
  const { load, versions, valueOfVersion } = loadingFrom({ store, codec, on, logger });
  const { save, refusal } = savingTo({ store, codec, order, history, maxBytes, on, logger, clock });

  async function write(key: string, value: Value, given: SaveOptions = {}, note?: string): Promise<number> {
    check(key);
    return await runLater(save(key, value, given, note));
  }

  function saveSync(key: string, value: Value, given: Pick<SaveOptions, "ifVersion" | "lease"> = {}): number {
    check(key);
    return runNow(save(key, value, given));
  }

  return {
    async load(key, call) {
      check(key);
      return await load(key, call);
    },
    save: (key, value, given) => write(key, value, given),
    ...("saveSync" in store && { saveSync }),
    async rewind(key, value, { reason, ...given }) {
      return await write(key, value, given, reasonOf(reason));
    },
    async rollback(key, version, { reason, ...given }) {
      check(key);
      const note = `to version ${version}: ${reasonOf(reason)}`;
      return await write(key, await valueOfVersion(key, version, given), given, note);
    },
    async versions(key, call) {
      check(key);
      return await versions(key, call);
    },
    list: (prefix, call) => store.list(prefix, call),
    async delete(key, { ifVersion, lease, signal } = {}) {
      check(key);
      const outcome = await store.delete(key, { ifVersion, fence: lease?.fence }, { signal });
      if (outcome.ok) return true;
      const nothing = outcome.entry?.data == null && (lease === undefined || outcome.entry?.fence === lease.fence);
      if (nothing && ifVersion === undefined) return false;
      throw refusal(key, outcome, lease);
    },
    async withLease(key, work, { ttl = "30s", wait, signal } = {}) {
      check(key);
      return await withLease(key, work, {
        store,
        clock,
        ttlMs: whole("ttl", parseDuration(ttl), 100, 86_400_000),
        waitMs: wait === undefined ? Number.POSITIVE_INFINITY : parseDuration(wait),
        signal,
        tell: (change, fence, holder) => tell(on, "lease", () => ({ key, change, fence, holder })),
      });
    },
    coalesce(key, { every = "1s", count = 1000, ...given } = {}) {
      check(key);
      return coalesce({
        clock,
        everyMs: whole("every", parseDuration(every), 1, 86_400_000),
        count: whole("count", count, 1, 1_000_000_000),
        save: (value: Value) => write(key, value, given),
      });
    },
  };
}

function check(key: string): void {
  if (isKey(key)) return;
  throw new CheckpointError("INVALID_KEY", "A key is a well-formed text of 1 to 1024 bytes of UTF-8");
}

function reasonOf(reason: string): string {
  if (typeof reason === "string" && reason !== "" && reason.length <= 1000) return reason;
  throw new CheckpointError("INVALID_OPTION", "Say in 1 to 1000 characters why the value goes back: reason");
}

function whole(option: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new CheckpointError("INVALID_OPTION", `${option} is ${value}; give a whole number from ${least} to ${most}`);
}
