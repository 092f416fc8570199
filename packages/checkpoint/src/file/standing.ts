// What stands under a key: what its file says, or, where that is spoilt or gone and the previous one is whole, what follows from that.

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Recovered } from "../checkpoint-store.ts";
import type { Stored } from "../entry.ts";
import { CheckpointError } from "../errors.ts";
import { targetOf } from "./durable-write.ts";
import { decode } from "./envelope.ts";
import { undefinedIfMissing } from "./file-error.ts";
import type { Folder } from "./folder.ts";
import { keyOf } from "./key-to-name.ts";
import { previousOf } from "./previous.ts";

export interface Standing {
  readonly stored: Stored;
  /** Where it is of the previous file. */
  readonly recovered?: Recovered;
}

/**
 * @param text of the file; undefined where there is none
 * @param key undefined where only the file itself can tell
 * @throws CheckpointError `CORRUPT`, `NEWER_VERSION`, `STORE_FAILED`
 */
export function standingIn(folder: Folder, path: string, text: string | undefined, key?: string): Standing | undefined {
  try {
    if (text !== undefined) return { stored: decode(text, path, key) };
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code !== "CORRUPT") throw error;
    return recovered(path, key, error);
  }
  assertNeverSaved(path, folder);
  if (!existsSync(previousOf(path))) return undefined;
  const gone = `${path} is gone, though what was there before it is not: put it back, or, to start from nothing, move ${previousOf(path)} away too`;
  return recovered(path, key, new CheckpointError("CORRUPT", gone));
}

/** In the order of their UTF-8 bytes. */
export function keysIn(folder: Folder): string[] {
  const keys: string[] = [];
  for (const name of new Set(readdirSync(folder.path).map((name) => name.replace(/\.bak$/, "")))) {
    const found = keyOf(name);
    const path = join(folder.path, name);
    const key = found === "hashed" ? standingIn(folder, path, readIfThere(path))?.stored.entry.key : found?.key;
    if (key !== undefined) keys.push(key);
  }
  folder.assertSame();
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return undefinedIfMissing(error as NodeJS.ErrnoException);
  }
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

/**
 * Version, fence and beat go so far ahead that none of them is one that was lost: of one change, or of a few where a power cut took names back. So
 * nobody who remembers such a version, or has such a lease, is taken for up to date.
 */
const AHEAD = 1000;

function recovered(path: string, key: string | undefined, error: CheckpointError): Standing {
  const { entry, versions } = previousIn(targetOf(path), key) ?? {};
  // Without data, it would be taken for a first start.
  if (!entry || entry.data === null) throw error;
  const { version, fence, beat } = entry;
  const ahead = { ...entry, version: version + AHEAD, fence: fence + AHEAD, beat: beat + AHEAD, holder: null };
  const [newest, ...earlier] = versions ?? [];
  return {
    stored: { entry: ahead, versions: newest ? [{ ...newest, version: ahead.version }, ...earlier] : [] },
    recovered: { version, because: error.message },
  };
}

/** Undefined where it is not there, or no better. */
function previousIn(target: string, key: string | undefined): Stored | undefined {
  try {
    return decode(readFileSync(previousOf(target), "utf8"), previousOf(target), key);
  } catch {
    return undefined;
  }
}
