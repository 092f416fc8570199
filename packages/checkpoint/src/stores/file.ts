// Checkpoints in a folder of one machine, a file a key.

import { readFile } from "node:fs/promises";
import { sep } from "node:path";
import {
  type Bytes,
  type Clock,
  type Duration,
  parseBytes,
  parseDuration,
  systemClock,
  unlessAborted,
} from "@holdfast/core";
import type { Entry, Outcome, SaveOptions, StoreCall, SyncCheckpointStore } from "../checkpoint-store.ts";
import { assertFits, type Decide, deleted, granted, released, renewed, type Stored, saved } from "../entry.ts";
import { CheckpointError } from "../errors.ts";
import { type Replacement, replaceFile } from "../file/durable-write.ts";
import { textOf } from "../file/envelope.ts";
import { asCheckpointError, undefinedIfMissing } from "../file/file-error.ts";
import { type LockWait, withFileLock } from "../file/file-lock.ts";
import { type Folder, openFolder } from "../file/folder.ts";
import { holdIfThere } from "../file/held-file.ts";
import { nameOf } from "../file/key-to-name.ts";
import { untilFilesAreFree } from "../file/open-files.ts";
import { dropPrevious, keepPrevious, type PreviousRule, updatePrevious } from "../file/previous.ts";
import { keysIn, readIfThere, type Standing, standingIn } from "../file/standing.ts";
import { hasTurns, inTurn } from "../file/turns.ts";
import { runLater, runNow, type Steps, step } from "../steps.ts";

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

export interface FileStore extends SyncCheckpointStore {
  /**
   * As `save`, as durable, and done when it returns. It also waits for another process that holds the key, for up to `lockTimeout`.
   *
   * Take it where the process is about to exit and can't await any more; and in a script that saves one thing after another, since a small file's way
   * through the thread pool takes longer than the disk does. Take `save` in a server, which answers nobody while it stands still, and where many
   * are saved at once, since they share the disk's syncs.
   * @throws CheckpointError `BUSY`: also where this process itself is changing the key, a lease's renewal included: that can't end meanwhile
   */
  saveSync(key: string, data: string, options: SaveOptions): Outcome;
}

interface Place {
  readonly folder: Folder;
  readonly key: string;
  readonly path: string;
}

/** Of a change. */
interface Rules {
  readonly decide: Decide;
  readonly previous: PreviousRule;
}

/**
 * A change is on the disk when its promise resolves, and outlasts a power cut as far as the disk keeps its word. A crash leaves what was
 * there or what was saved, never less. Any number of processes of one machine may share the folder, which is opened by the first call.
 *
 * Where a save keeps earlier versions, the file before the last change is kept, too: if the disk spoils the one that stands, that takes its place.
 *
 * @example
 * const store = fileStore({ folder: "/var/lib/my-service/checkpoints" });
 *
 * @throws HoldfastError `INVALID_DURATION`, `INVALID_BYTES`
 */
export function fileStore(options: FileStoreOptions): FileStore {
  const { folder: givenFolder, create = true, clock = systemClock } = options;
  const maxBytes = parseBytes(options.maxBytes ?? "16MiB");
  const timeoutMs = parseDuration(options.lockTimeout ?? "5s");
  const running = new Set<Promise<unknown>>();
  let folder: Folder | undefined;
  let opening: Promise<Folder> | undefined;
  let isClosed = false;
  let drafts = 0;
  /** What this store has written last: if that is what stands, it need not be decoded. */
  let latest: { readonly text: string; readonly stored: Stored } | undefined;

  async function openAnew(): Promise<Folder> {
    try {
      folder = await untilFilesAreFree(clock, undefined, () => runLater(openFolder(givenFolder, create, clock)));
      return folder;
    } finally {
      opening = undefined;
    }
  }

  function open(): Promise<Folder> {
    opening ??= openAnew();
    return opening;
  }

  function assertOpen(): void {
    if (isClosed) throw new CheckpointError("CLOSED", `the store in ${givenFolder} has been closed`);
  }

  /** Runs to its end also when the caller no longer waits for it, as close() does. */
  function run<T>(call: StoreCall | undefined, work: (folder: Folder) => Promise<T>): Promise<T> {
    const promise = (async () => {
      call?.signal?.throwIfAborted();
      assertOpen();
      try {
        return await work(folder ?? (await open()));
      } catch (error) {
        throw asCheckpointError(error, givenFolder);
      }
    })();
    const settled = promise.catch(() => {}).finally(() => running.delete(settled));
    running.add(settled);
    return unlessAborted(promise, call?.signal);
  }

  function runAtOnce<T>(work: (folder: Folder) => T): T {
    assertOpen();
    try {
      if (opening) throw busyItself(givenFolder);
      folder ??= runNow(openFolder(givenFolder, create, clock));
      return work(folder);
    } catch (error) {
      throw asCheckpointError(error, givenFolder);
    }
  }

  function change(key: string, call: StoreCall | undefined, rules: Rules): Promise<Outcome> {
    const wait = { clock, deadline: clock.monotonic() + timeoutMs, timeoutMs, signal: call?.signal };
    return run(call, (folder) => {
      const place = placeOf(folder, key);
      return inTurn(place.path, call?.signal, () =>
        untilFilesAreFree(clock, call?.signal, () => runLater(changeFile(place, wait, rules))),
      );
    });
  }

  function changeFile(place: Place, wait: LockWait, rules: Rules): Steps<Outcome> {
    return withFileLock(`${place.path}.lock`, place.folder.ownFile(), wait, () => changeStanding(place, rules));
  }

  function* changeStanding(place: Place, { decide, previous }: Rules): Steps<Outcome> {
    const held = holdIfThere(place.path);
    try {
      const standing = standingAt(place, held?.text);
      const changed = decide(standing?.stored);
      if (!changed) return { ok: false, entry: standing?.stored.entry };
      // What is whole again may become the previous file; what is not would take the place of the one that was.
      if (standing?.recovered) yield* replace(place, standing.stored, { held });
      yield* replace(place, changed, { held, before: previous });
      return { ok: true, entry: changed.entry };
    } finally {
      held?.letGo();
    }
  }

  function* replace({ folder, path }: Place, stored: Stored, how: Pick<Replacement, "before" | "held">): Steps<void> {
    const text = textOf(stored);
    const temporary = `${folder.ownFile().owner.token}.${drafts++}.tmp`;
    yield* replaceFile(path, { bytes: Buffer.from(text), temporary, ...how });
    latest = { text, stored };
  }

  function standingAt({ folder, key, path }: Place, text: string | undefined): Standing | undefined {
    if (text !== undefined && text === latest?.text && key === latest.stored.entry.key) return latest;
    return standingIn(folder, path, text, key);
  }

  function saving(key: string, data: string, options: SaveOptions): Rules {
    assertFits(key, data, maxBytes);
    return {
      decide: (stored) => saved(key, stored, data, options),
      previous: (options.keep ?? 0) > 0 ? keepPrevious : dropPrevious,
    };
  }

  function changeLease(key: string, call: StoreCall | undefined, decide: Decide): Promise<Outcome> {
    return change(key, call, { decide, previous: updatePrevious });
  }

  function* standing(folder: Folder, key: string): Steps<Standing | undefined> {
    const place = placeOf(folder, key);
    const text = yield* step(
      () => readIfThere(place.path),
      () => readFile(place.path, "utf8").catch(undefinedIfMissing),
    );
    return standingAt(place, text);
  }

  function read(key: string, call: StoreCall | undefined): Promise<Standing | undefined> {
    return run(call, (folder) => untilFilesAreFree(clock, call?.signal, () => runLater(standing(folder, key))));
  }

  return {
    read: async (key, call) => entryOf(await read(key, call)),
    readSync: (key) => runAtOnce((folder) => entryOf(runNow(standing(folder, key)))),
    save: async (key, data, options, call) => await change(key, call, saving(key, data, options)),
    saveSync: (key, data, options) =>
      runAtOnce((folder) => {
        const place = placeOf(folder, key);
        if (hasTurns(place.path)) throw busyItself(key);
        // Whoever holds the clock could not move it while all stands still.
        const wait = {
          clock: systemClock,
          deadline: systemClock.monotonic() + timeoutMs,
          timeoutMs,
          signal: undefined,
        };
        return runNow(changeFile(place, wait, saving(key, data, options)));
      }),
    delete: (key, condition = {}, call) =>
      change(key, call, { decide: (stored) => deleted(stored, condition), previous: dropPrevious }),
    grant: (key, holder, seen, call) => changeLease(key, call, (stored) => granted(key, stored, holder, seen)),
    renew: (key, fence, call) => changeLease(key, call, (stored) => renewed(stored, fence)),
    release: (key, fence, call) => changeLease(key, call, (stored) => released(stored, fence)),
    async *list(prefix, call) {
      const keys = await run(call, (folder) => untilFilesAreFree(clock, call?.signal, async () => keysIn(folder)));
      for (const key of keys.filter((key) => key.startsWith(prefix))) {
        const { version = 0, data = null, savedAt = 0 } = (await read(key, call))?.stored.entry ?? {};
        if (data !== null) yield { key, version, savedAt };
      }
    },
    versions: async (key, call) => (await read(key, call))?.stored.versions ?? [],
    async close() {
      isClosed = true;
      await Promise.all(running);
      folder?.close();
    },
  };
}

function placeOf(folder: Folder, key: string): Place {
  return { folder, key, path: `${folder.path}${sep}${nameOf(key)}` };
}

function entryOf(standing: Standing | undefined): Entry | undefined {
  return standing?.recovered ? { ...standing.stored.entry, recovered: standing.recovered } : standing?.stored.entry;
}

function busyItself(what: string): CheckpointError {
  return new CheckpointError(
    "BUSY",
    `this process is in the middle of another call on ${what}, and can't wait for itself: await that before saveSync`,
  );
}
