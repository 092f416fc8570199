// Who writes a part: one download at a time, whether in this process, on this machine, or on another that shares the folder.

import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import type { Clock } from "@holdfast/core";
import { HttpRetryError } from "../errors.ts";
import { ignore } from "./file-error.ts";

export interface PartClaim {
  /** @throws HttpRetryError `FILE_IN_USE`: another download has taken the part over, since this one stood still for so long */
  check(): Promise<void>;
  release(): Promise<void>;
}

// Whoever lives says so twice a minute. A claim of somebody whose process can't be seen from here ends after four times that.
const RENEW_MS = 30_000;
const STALE_MS = 120_000;

/** The claims of this process, by their paths. */
const own = new Set<string>();

/**
 * Each claimant puts down a name of its own in `folder`, and looks only then who else is there. So two that come at once may
 * both be refused, but never both be let in. The names of the dead are cleared away.
 * @throws HttpRetryError `FILE_IN_USE`
 */
export async function claimPart(folder: string, clock: Clock): Promise<PartClaim> {
  const path = join(folder, `${encodeURIComponent(hostname())}+${process.pid}+${randomUUID()}`);
  const renew = (): Promise<void> => utimes(path, clock.now() / 1000, clock.now() / 1000);
  let cancelRenewal = (): void => {};
  const scheduleRenewal = (): void => {
    const next = async (): Promise<void> => {
      // A claim that somebody has taken over is noticed by `check`.
      await renew().catch(() => {});
      if (own.has(path)) scheduleRenewal();
    };
    cancelRenewal = clock.schedule(next, RENEW_MS, { keepAlive: false });
  };
  const claim: PartClaim = {
    async check() {
      await renew().catch(() => {
        throw inUse(folder, "has taken over from this one, which stood still for minutes");
      });
    },
    async release() {
      cancelRenewal();
      own.delete(path);
      await rm(path, { force: true });
      // Not empty when somebody else has put a name down since.
      await rmdir(folder).catch(() => {});
    },
  };

  own.add(path);
  try {
    await putDown(folder, path);
    await renew();
    for (const name of await readdir(folder)) {
      const other = join(folder, name);
      if (other === path) continue;
      if (await isLive(other, clock)) throw inUse(folder, "writes the same file");
      await rm(other, { force: true });
    }
  } catch (error) {
    await claim.release();
    throw error;
  }
  scheduleRenewal();
  return claim;
}

async function putDown(folder: string, path: string): Promise<void> {
  for (;;) {
    await mkdir(folder).catch(ignore("EEXIST"));
    // Where another claimant has just left and taken the folder along, once more.
    const isDown = await writeFile(path, "", { flag: "wx" }).then(() => true, ignore("ENOENT"));
    if (isDown) return;
  }
}

async function isLive(path: string, clock: Clock): Promise<boolean> {
  const [host, pid] = basename(path).split("+");
  if (host === encodeURIComponent(hostname()) && !isRunning(Number(pid), path)) return false;
  const facts = await stat(path).catch(ignore("ENOENT"));
  return facts !== undefined && clock.now() - facts.mtimeMs < STALE_MS;
}

function isRunning(pid: number, path: string): boolean {
  // In a container, a process that was started again often has the number of the one that died.
  if (pid === process.pid) return own.has(path);
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function inUse(folder: string, what: string): HttpRetryError {
  const message = `another download ${what}; let it end, or, if there is none, remove ${folder}`;
  return new HttpRetryError("FILE_IN_USE", message);
}
