// The folder of a store: opened once, with this process's own file in it, and swept of what dead processes left.

import { accessSync, constants, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "@holdfast/core";
import { CheckpointError } from "../errors.ts";
import { syncFolder, writeNewFile } from "./durable-write.ts";
import { type OwnerFile, readOwner, wasOwnedBy } from "./file-lock.ts";
import { type Owner, thisProcess } from "./owner.ts";
import { isOver, listenAt, socketOf } from "./sign-of-life.ts";

export interface Folder {
  /** With all links resolved: one folder has one. */
  readonly path: string;
  /** Made when the folder is opened, or, where the disk was full then, now. */
  ownFile(): Promise<OwnerFile>;
  /** @throws CheckpointError `STORE_FAILED`: the folder has been removed, or put anew, since it was opened */
  assertSame(): void;
  close(): void;
}

/** A temporary file of a process whose life can't be told from here is left alone for so long. */
const MOST_AGE_MS = 24 * 60 * 60 * 1000;

export async function openFolder(folder: string, create: boolean, clock: Clock): Promise<Folder> {
  if (create) await makeFolder(resolve(folder));
  const path = realpathSync(folder);
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const process = thisProcess();
  await sweep(path, process, clock.now());
  const server = await listenAt(socketOf(path, process.token));
  const owner: Owner = { ...process, listens: server !== undefined };
  const own: OwnerFile = { path: join(path, `${owner.token}.owner`), owner };
  let making: Promise<OwnerFile> | undefined;
  let isMade = false;

  async function makeOwnFile(): Promise<OwnerFile> {
    try {
      await writeNewFile(own.path, Buffer.from(JSON.stringify(owner)));
      isMade = true;
      return own;
    } catch (error) {
      making = undefined;
      throw error;
    }
  }

  function ownFile(): Promise<OwnerFile> {
    making ??= makeOwnFile();
    return making;
  }

  // What is there can be read all the same.
  await ownFile().catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOSPC" || error.code === "EDQUOT") return;
    server?.close();
    throw error;
  });
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

/** With the folders above it, each on the disk before something is put into it. */
async function makeFolder(path: string): Promise<void> {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Where two do it at once, each finds some of it gone. */
async function sweep(folder: string, own: Owner, now: number): Promise<void> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const [, draftOf] = /\.([0-9a-f]{18})\.[0-9]+\.tmp$/.exec(name) ?? [];
    const [, lock, heirTo] = /^(.*\.lock)\.([0-9a-f]{18})$/.exec(name) ?? [];
    const [, ownerOf] = /^([0-9a-f]{18})\.owner$/.exec(name) ?? [];
    if (draftOf !== undefined && (isOld(path, now) || (await isTokenOver(folder, draftOf, own)))) remove(path);
    if (lock !== undefined && heirTo !== undefined && !wasOwnedBy(heirTo, join(folder, lock))) remove(path);
    if (ownerOf !== undefined && (await isTokenOver(folder, ownerOf, own)) && !hasOtherNames(path)) {
      remove(path);
      remove(socketOf(folder, ownerOf));
    }
  }
}

/** A store makes its own file before all others, and removes it after them. */
async function isTokenOver(folder: string, token: string, own: Owner): Promise<boolean> {
  const owner = readOwner(join(folder, `${token}.owner`));
  return owner === "gone" || (owner !== "unreadable" && (await isOver(owner, own, folder)));
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
