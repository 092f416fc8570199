// Checkpoints in a folder of one machine, a file a key.

import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Bytes,
  type Clock,
  type Duration,
  parseBytes,
  parseDuration,
  systemClock,
  unlessAborted,
} from "@holdfast/core";
import type { CheckpointStore, Entry, Outcome, SavedVersion, StoreCall } from "../checkpoint-store.ts";
import { deleted, granted, released, renewed, saved } from "../entry.ts";
import { CheckpointError } from "../errors.ts";
import { replaceFile } from "../file/durable-write.ts";
import { decode, encode, type Stored } from "../file/envelope.ts";
import { asCheckpointError, undefinedIfMissing } from "../file/file-error.ts";
import { withFileLock } from "../file/file-lock.ts";
import { type Folder, openFolder } from "../file/folder.ts";
import { keyOf, nameOf } from "../file/key-to-name.ts";
import { inTurn } from "../file/turns.ts";

export interface FileStoreOptions {
  /** On a disk of this machine: not NFS, nor what else several machines share. */
  readonly folder: string;
  /**
   * Whether to make the folder where it is missing. Default true; false is for a folder on a volume, whose absence is not to be taken for
   * a first start.
   */
  readonly create?: boolean | undefined;
  /** The longest data that is taken, in UTF-8. Default "16MiB". */
  readonly maxBytes?: Bytes | undefined;
  /** How long a change waits for others of the same key, in other processes. Default "5s". */
  readonly lockTimeout?: Duration | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

/**
 * A change is on the disk when its promise resolves, and outlasts a power cut as far as the disk keeps its word. A crash leaves what was
 * there or what was saved, never less. Any number of processes of one machine may share the folder, which is opened by the first call.
 *
 * @example
 * const store = fileStore({ folder: "/var/lib/my-service/checkpoints" });
 *
 * @throws HoldfastError `INVALID_DURATION`, `INVALID_BYTES`
 */
export function fileStore(options: FileStoreOptions): CheckpointStore {
  const { folder: givenFolder, create = true, clock = systemClock } = options;
  const maxBytes = parseBytes(options.maxBytes ?? "16MiB");
  const timeoutMs = parseDuration(options.lockTimeout ?? "5s");
  const running = new Set<Promise<unknown>>();
  let opening: Promise<Folder> | undefined;
  let isClosed = false;
  let drafts = 0;

  function open(): Promise<Folder> {
    opening ??= openFolder(givenFolder, create, clock).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  /** Runs to its end also when the caller no longer waits for it, as close() does. */
  function run<T>(call: StoreCall | undefined, work: (folder: Folder) => Promise<T>): Promise<T> {
    const promise = (async () => {
      call?.signal?.throwIfAborted();
      if (isClosed) throw new CheckpointError("CLOSED", `the store in ${givenFolder} has been closed`);
      try {
        return await work(await open());
      } catch (error) {
        throw asCheckpointError(error, givenFolder);
      }
    })();
    const settled = promise.catch(() => {}).finally(() => running.delete(settled));
    running.add(settled);
    return unlessAborted(promise, call?.signal);
  }

  function change(
    key: string,
    call: StoreCall | undefined,
    decide: (stored: Stored | undefined) => Stored | undefined,
  ): Promise<Outcome> {
    const deadline = clock.monotonic() + timeoutMs;
    return run(call, async (folder) => {
      const path = join(folder.path, nameOf(key));
      const own = await folder.ownFile();
      return await inTurn(path, call?.signal, () =>
        withFileLock(`${path}.lock`, own, { clock, deadline, timeoutMs, signal: call?.signal }, async () => {
          const bytes = readIfThere(path);
          if (!bytes) assertNeverSaved(path, folder);
          const stored = bytes && decode(bytes, path, key);
          const changed = decide(stored);
          if (!changed) return { ok: false, entry: stored?.entry };
          await replaceFile(path, encode(changed), `${own.owner.token}.${drafts++}.tmp`);
          return { ok: true, entry: changed.entry };
        }),
      );
    });
  }

  /** A change that leaves the versions as they are. */
  function changeEntry(
    key: string,
    call: StoreCall | undefined,
    decide: (entry: Entry | undefined) => Entry | undefined,
  ): Promise<Outcome> {
    return change(key, call, (stored) => {
      const entry = decide(stored?.entry);
      return entry && { entry, versions: stored?.versions ?? [] };
    });
  }

  function read(key: string, call: StoreCall | undefined): Promise<Stored | undefined> {
    return run(call, async (folder) => {
      const path = join(folder.path, nameOf(key));
      const bytes = await readFile(path).catch(undefinedIfMissing);
      if (!bytes) assertNeverSaved(path, folder);
      return bytes && decode(bytes, path, key);
    });
  }

  return {
    read: async (key, call) => (await read(key, call))?.entry,
    async save(key, data, options, call) {
      const bytes = Buffer.byteLength(data);
      if (bytes > maxBytes)
        throw new CheckpointError("TOO_LARGE", `the data of ${key} has ${bytes} bytes, and maxBytes is ${maxBytes}`);
      return await change(key, call, (stored) => {
        const entry = saved(key, stored?.entry, data, options);
        const { keep = 0, savedAt, note } = options;
        const version: SavedVersion = { version: entry?.version ?? 0, data, savedAt, note };
        return entry && { entry, versions: [version, ...(stored?.versions ?? [])].slice(0, keep + 1) };
      });
    },
    delete: (key, condition = {}, call) =>
      change(key, call, (stored) => {
        const entry = deleted(stored?.entry, condition);
        return entry && { entry, versions: [] };
      }),
    grant: (key, holder, seen, call) => changeEntry(key, call, (entry) => granted(key, entry, holder, seen)),
    renew: (key, fence, call) => changeEntry(key, call, (entry) => renewed(entry, fence)),
    release: (key, fence, call) => changeEntry(key, call, (entry) => released(entry, fence)),
    async *list(prefix, call) {
      const keys = await run(call, async (folder) => keysIn(folder));
      for (const key of keys.filter((key) => key.startsWith(prefix))) {
        const { version = 0, data = null, savedAt = 0 } = (await read(key, call))?.entry ?? {};
        if (data !== null) yield { key, version, savedAt };
      }
    },
    versions: async (key, call) => (await read(key, call))?.versions ?? [],
    async close() {
      isClosed = true;
      await Promise.all(running);
      const folder = await opening?.catch(() => undefined);
      folder?.close();
    },
  };
}

/**
 * That a file is missing means that nothing was ever saved under its key; but not where a link leads to nowhere, nor in another folder than
 * the one that was opened.
 */
function assertNeverSaved(path: string, folder: Folder): void {
  folder.assertSame();
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new CheckpointError("STORE_FAILED", `${path} is a link to a file that is missing: put that back`);
}

/** In the order of their UTF-8 bytes. */
function keysIn(folder: Folder): string[] {
  const keys: string[] = [];
  for (const name of readdirSync(folder.path)) {
    const found = keyOf(name);
    const path = join(folder.path, name);
    if (found === "hashed") keys.push(decode(readFileSync(path), path).entry.key);
    else if (found) keys.push(found.key);
  }
  folder.assertSame();
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    return undefinedIfMissing(error as NodeJS.ErrnoException);
  }
}
