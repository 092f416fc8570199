// Replaces a file so that there is, at any moment and after any crash, either the old one or the new one, whole.
//
// What only touches the cache (open, write, close) is done at once: for a small file, the hop to the thread pool and back takes longer than the
// call. What may wait for the disk (fsync, and rename while the journal is busy) is done by the pool.

import { closeSync, fsync, lstatSync, openSync, realpathSync, rename, rmSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { CheckpointError } from "../errors.ts";

/** Above this, copying into the cache takes longer than the hop. */
const MOST_BYTES_AT_ONCE = 64 * 1024;

/**
 * The temporary file stands beside the target, so that they are on one file system. A link in the target's place stays, and what it leads to
 * is replaced. Where a step fails, the temporary file is removed and the old file stands; a failed fsync is not asked for again, since a
 * second one may say yes to what the first has lost.
 *
 * @param temporary ends the name of the temporary file; nobody else uses the same
 */
export async function replaceFile(path: string, bytes: Uint8Array, temporary: string): Promise<void> {
  const target = isLink(path) ? realpathSync(path) : path;
  const draft = `${target}.${temporary}`;
  await writeNewFile(draft, bytes);
  try {
    await promisify(rename)(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  try {
    await syncFolder(dirname(target));
  } catch (error) {
    const text = `${target} has been replaced, but a power cut may undo that (${(error as Error).message}): save again`;
    throw new CheckpointError("STORE_FAILED", text, { cause: error });
  }
}

/**
 * Makes the file, which must not be there, for the eyes of this user only; or none. When the promise resolves, its content is on the disk, but
 * not its name.
 */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = openSync(path, "wx", 0o600);
  try {
    await writeWhole(file, bytes);
    await sync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Without it, a power cut may take back what names a folder has. Windows can't, and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    await sync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A write may take less than it is given, as it does when a disk is nearly full; only the next one says why. */
async function writeWhole(file: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const left = bytes.length - written;
    const taken =
      left <= MOST_BYTES_AT_ONCE
        ? writeSync(file, bytes, written, left)
        : (await promisify(write)(file, bytes, written, left, null)).bytesWritten;
    if (taken === 0) throw new CheckpointError("STORE_FAILED", "the disk takes no more bytes, and does not say why");
    written += taken;
  }
}

function sync(file: number): Promise<void> {
  return promisify(fsync)(file);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
