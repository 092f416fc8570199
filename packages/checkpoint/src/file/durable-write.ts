// Replaces a file so that there is, at any moment and after any crash, either the old one or the new one, whole.
//
// What only touches the cache (open, write, close) is done at once: for a small file, the hop to the thread pool and back takes longer than the
// call. What may wait for the disk (fsync, and rename while the journal is busy) is a step.

import {
  closeSync,
  fsync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  rename,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { CheckpointError } from "../errors.ts";
import { runLater, type Steps, step } from "../steps.ts";
import { called, syncShared } from "./shared-sync.ts";

/** Above this, copying into the cache takes longer than the hop. */
const MOST_BYTES_AT_ONCE = 64 * 1024;

export interface Replacement {
  readonly bytes: Uint8Array;
  /** Ends the name of the temporary file; nobody else uses the same. */
  readonly temporary: string;
  /** Called when the new file is on the disk, with the path of the one that it is about to replace. */
  readonly before?: ((target: string) => void) | undefined;
  /** The file that is replaced, which is let go of then. Default: whatever stands there. */
  readonly held?: Replaced | undefined;
}

export interface Replaced {
  /** Where it is: what a link at its path leads to, or that path. */
  readonly target: string;
  /** For good: another call does nothing. */
  letGo(): void;
}

/**
 * The temporary file stands beside the target, so that they are on one file system. A link in the target's place stays, and what it leads to
 * is replaced. Where a step fails, the temporary file is removed and the old file stands; a failed fsync is not asked for again, since a
 * second one may say yes to what the first has lost.
 */
export function* replaceFile(path: string, { bytes, temporary, before, held }: Replacement): Steps<void> {
  const target = held?.target ?? targetOf(path);
  const draft = `${target}.${temporary}`;
  yield* writeNewFile(draft, bytes);
  let folder: number | undefined;
  try {
    // First, so that it can't fail when there is no way back.
    folder = openNames(dirname(target));
    before?.(target);
    yield* step(
      () => renameSync(draft, target),
      () => called((done) => rename(draft, target, done)),
    );
  } catch (error) {
    rmSync(draft, { force: true });
    if (folder !== undefined) closeSync(folder);
    throw error;
  }
  held?.letGo();
  try {
    yield* syncAndClose(folder);
  } catch (error) {
    const text = `${target} has been replaced, but a power cut may undo that (${(error as Error).message}): save again`;
    throw new CheckpointError("STORE_FAILED", text, { cause: error });
  }
}

/** What a link leads to. */
export function targetOf(path: string): string {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? realpathSync(path) : path;
}

/** Makes the file, which must not be there, for the eyes of this user only; or none. In the end its content is on the disk, but not its name. */
export function* writeNewFile(path: string, bytes: Uint8Array): Steps<void> {
  const file = openSync(path, "wx", 0o600);
  try {
    yield* writeWhole(file, bytes);
    yield* sync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Without it, a power cut may take back what names a folder has. */
export function syncFolder(path: string): Promise<void> {
  return runLater(syncNames(path));
}

export function* syncNames(path: string): Steps<void> {
  yield* syncAndClose(openNames(path));
}

/** Undefined on Windows, which can't sync a folder, and does it by itself. */
function openNames(path: string): number | undefined {
  return process.platform === "win32" ? undefined : openSync(path, "r");
}

function* syncAndClose(folder: number | undefined): Steps<void> {
  if (folder === undefined) return;
  try {
    yield* step(
      () => fsyncSync(folder),
      () => syncShared(folder),
    );
  } finally {
    closeSync(folder);
  }
}

/** A write may take less than it is given, as it does when a disk is nearly full; only the next one says why. */
function* writeWhole(file: number, bytes: Uint8Array): Steps<void> {
  for (let written = 0; written < bytes.length; ) {
    const left = bytes.length - written;
    const writeNow = (): number => writeSync(file, bytes, written, left);
    const taken =
      left <= MOST_BYTES_AT_ONCE
        ? writeNow()
        : yield* step(writeNow, async () => (await promisify(write)(file, bytes, written, left, null)).bytesWritten);
    if (taken === 0) throw new CheckpointError("STORE_FAILED", "the disk takes no more bytes, and does not say why");
    written += taken;
  }
}

function sync(file: number): Steps<void> {
  return step(
    () => fsyncSync(file),
    () => called((done) => fsync(file, done)),
  );
}
