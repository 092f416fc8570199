// A lock among processes, as a file. It has no time after which it is over: it is broken only where its owner is proven dead, so that there
// are never two who hold it, whatever sleeps and whatever the clocks say. That is bearable since it is held for one change and no longer.

import { linkSync, readFileSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, sleep } from "@holdfast/core";
import { CheckpointError } from "../errors.ts";
import { type Steps, step } from "../steps.ts";
import { describeOwner, type Owner, parseOwner } from "./owner.ts";
import { isOver } from "./sign-of-life.ts";

/** The file that says who an owner is. A lock is a second name of it, so that there is never one that says nothing. */
export interface OwnerFile {
  readonly path: string;
  readonly owner: Owner;
}

export interface LockWait {
  readonly clock: Clock;
  /** By the monotonic clock. There is one attempt in any case. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const FIRST_WAIT_MS = 1;
const MOST_WAIT_MS = 25;

/**
 * Runs `work` while it holds the lock. Within one process, callers that are of the same owner must come one after the other.
 * @throws CheckpointError `BUSY`
 */
export function* withFileLock<T>(
  path: string,
  own: OwnerFile,
  { clock, deadline, timeoutMs, signal }: LockWait,
  work: () => Steps<T>,
): Steps<T> {
  let attempt = yield* tryLock(path, own);
  for (let waitMs = FIRST_WAIT_MS; !Array.isArray(attempt); waitMs = Math.min(waitMs * 2, MOST_WAIT_MS)) {
    if (clock.monotonic() >= deadline) throw busy(path, attempt, timeoutMs);
    const pauseMs = Math.min(waitMs, Math.max(0, deadline - clock.monotonic()));
    yield* step(
      () => standStill(pauseMs),
      () => sleep(pauseMs, { clock, signal }),
    );
    attempt = yield* tryLock(path, own);
  }
  try {
    return yield* work();
  } finally {
    for (const name of attempt) remove(name);
  }
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Names of the lock that are held now, in the order in which to remove them; or what stands in the way.
 *
 * The lock of an owner that is dead is not removed, since of two who do that, the second would remove what the first has put there. It is
 * inherited: whoever makes `lock.TOKEN`, of the dead one's token, which never comes back, holds the lock in its place; and so on, should the
 * heir die too. The heir's release removes `lock` first. So if that still is the dead one's after the heir has made its own name, then
 * nobody has inherited before.
 */
function* tryLock(path: string, own: OwnerFile): Steps<string[] | Obstacle> {
  const names: string[] = [];
  let first: string | undefined;
  for (let name = path; ; ) {
    names.push(name);
    const isMade = tryLink(own.path, name);
    const owner = isMade ? own.owner : readOwner(name);
    if (owner === "gone") return "gone";
    if (owner === "unreadable") return { name };
    first ??= owner.token;
    if (owner.token === own.owner.token) {
      if (names.length === 1 || tokenOf(path) === first) return names;
      if (isMade) remove(name);
      return "gone";
    }
    if (!(yield* isOver(owner, own.owner, dirname(path)))) return { name, owner };
    name = heirOf(path, owner.token);
  }
}

/** "gone": it was there, and is no more; so another attempt is worth it. */
type Obstacle = "gone" | { readonly name: string; readonly owner?: Owner };

export function heirOf(path: string, token: string): string {
  return `${path}.${token}`;
}

/**
 * Whether one who is dead is among those from whom the lock has been inherited, up to now. If not, they never will be again, and a name that
 * makes somebody their heir is of no use: it was left by one who died while releasing.
 */
export function wasOwnedBy(token: string, path: string): boolean {
  for (let name = path; ; ) {
    const owner = tokenOf(name);
    if (owner === undefined || owner === token) return owner === token;
    name = heirOf(path, owner);
  }
}

/** Undefined where there is no owner, or none that can be read. */
function tokenOf(path: string): string | undefined {
  const owner = readOwner(path);
  return typeof owner === "string" ? undefined : owner.token;
}

export function readOwner(path: string): Owner | "gone" | "unreadable" {
  try {
    return parseOwner(readFileSync(path, "utf8")) ?? "unreadable";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
    throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Somebody may have removed it by hand. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function busy(path: string, obstacle: Obstacle, timeoutMs: number): CheckpointError {
  const [by, name] =
    obstacle === "gone"
      ? ["one after the other", path]
      : [obstacle.owner ? describeOwner(obstacle.owner) : "someone that it does not name", obstacle.name];
  return new CheckpointError(
    "BUSY",
    `${path} was held for ${timeoutMs} ms by ${by}. Only if that is over, which can't be told from here, remove ${name}`,
  );
}
