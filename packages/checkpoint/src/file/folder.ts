// The folder of a store: opened once, with this process's own file in it, and swept of what dead processes left.

import { accessSync, constants, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "@holdfast/core";
import { CheckpointError } from "../errors.ts";
import { runNow, type Steps } from "../steps.ts";
import { syncNames, writeNewFile } from "./durable-write.ts";
import { type OwnerFile, readOwner, wasOwnedBy } from "./file-lock.ts";
import { type Owner, thisProcess } from "./owner.ts";
import { isOver, listenAt, socketOf } from "./sign-of-life.ts";

export interface Folder {
  /** With all links resolved: one folder has one. */
  readonly path: string;
  /** Made when the folder is opened, or, where the disk was full then, now. */
  ownFile(): OwnerFile;
  /** @throws CheckpointError `STORE_FAILED`: the folder has been removed, or put anew, since it was opened */
  assertSame(): void;
  close(): void;
}

/** A temporary file of a process whose life can't be told from here is left alone for so long. */
const MOST_AGE_MS = 24 * 60 * 60 * 1000;

export function* openFolder(folder: string, create: boolean, clock: Clock): Steps<Folder> {
  if (create) yield* makeFolder(resolve(folder));
  const path = realpathSync(folder);
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const process = thisProcess();
  yield* sweep(path, process, clock.now());
  const server = listenAt(socketOf(path, process.token));
  const owner: Owner = { ...process, listens: server !== undefined };
  const own: OwnerFile = { path: join(path, `${owner.token}.owner`), owner };
  let isMade = false;

  /** Now, so that there is one attempt at a time. */
  function ownFile(): OwnerFile {
    if (!isMade) runNow(writeNewFile(own.path, Buffer.from(JSON.stringify(owner))));
    isMade = true;
    return own;
  }

  try {
    ownFile();
  } catch (error) {
    // What is there can be read all the same.
    if (!isFull(error)) {
      server?.close();
      throw error;
    }
  }
  return {
    path,
    ownFile,
    assertSame() {
      if (existsSync(isMade ? own.path : path)) return;
      throw new CheckpointError(
        "STORE_FAILED",
        `${path} was removed or put anew since it was opened: open the store anew, once it is back`,
      );
    },
    close() {
      rmSync(own.path, { force: true });
      server?.close();
    },
  };
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** With the folders above it, each on the disk before something is put into it. */
function* makeFolder(path: string): Steps<void> {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) yield* syncNames(dirname(made));
}

/** Where two do it at once, each finds some of it gone. */
function* sweep(folder: string, own: Owner, now: number): Steps<void> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const [, draftOf] = /\.([0-9a-f]{18})\.[0-9]+\.tmp$/.exec(name) ?? [];
    const [, lock, heirTo] = /^(.*\.lock)\.([0-9a-f]{18})$/.exec(name) ?? [];
    const [, ownerOf] = /^([0-9a-f]{18})\.owner$/.exec(name) ?? [];
    if (draftOf !== undefined && (isOld(path, now) || (yield* isTokenOver(folder, draftOf, own)))) remove(path);
    if (lock !== undefined && heirTo !== undefined && !wasOwnedBy(heirTo, join(folder, lock))) remove(path);
    if (ownerOf !== undefined && (yield* isTokenOver(folder, ownerOf, own)) && !hasOtherNames(path)) {
      remove(path);
      remove(socketOf(folder, ownerOf));
    }
  }
}

/** A store makes its own file before all others, and removes it after them. */
function* isTokenOver(folder: string, token: string, own: Owner): Steps<boolean> {
  const owner = readOwner(join(folder, `${token}.owner`));
  return owner === "gone" || (owner !== "unreadable" && (yield* isOver(owner, own, folder)));
}

/** A lock has been left behind, and what proves that its owner is dead is needed still. */
function hasOtherNames(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.nlink ?? 1) > 1;
}

function isOld(path: string, now: number): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts !== undefined && now - facts.mtimeMs > MOST_AGE_MS;
}

function remove(path: string): void {
  rmSync(path, { force: true });
}
