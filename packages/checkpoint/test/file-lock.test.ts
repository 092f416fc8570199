import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, systemClock } from "@holdfast/core";
import { runAndKill } from "@holdfast/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heirOf, type LockWait, type OwnerFile, withFileLock } from "../src/file/file-lock.ts";
import { openFolder } from "../src/file/folder.ts";
import { lifeOf, type Owner, thisProcess } from "../src/file/owner.ts";
import { runLater, runNow, type Steps, step } from "../src/steps.ts";

/** Node takes a while to start, the longer the busier the machine is. */
const CHILDREN = { timeout: 60_000 };
const child = (name: string): string => join(import.meta.dirname, "children", `${name}.ts`);
const me = thisProcess();

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
  lock = join(folder, "a.lock");
});
afterEach(() => rm(folder, { recursive: true }));

let made = 0;
function ownerFile(difference: Partial<Owner> = {}): OwnerFile {
  const owner = { ...me, token: String(made++).padStart(18, "0"), ...difference };
  const path = join(folder, `${owner.token}.owner`);
  writeFileSync(path, JSON.stringify(owner));
  return { path, owner };
}
const over = (): OwnerFile => ownerFile({ started: "1" });

function locked<T>(own: OwnerFile, work: () => Promise<T>, clock = systemClock): Promise<T> {
  return lockedBy(own, { clock, deadline: clock.monotonic() + 50, timeoutMs: 50, signal: undefined }, work);
}

function lockedBy<T>(own: OwnerFile, wait: LockWait, work: () => Promise<T>): Promise<T> {
  return runLater(withFileLock(lock, own, wait, () => step(() => expect.unreachable(), work)));
}
const locks = (): string[] => readdirSync(folder).filter((name) => name.includes(".lock"));
const nothing = async (): Promise<void> => {};

describe("an owner", () => {
  const of = (difference: Partial<Owner>) => lifeOf({ ...me, ...difference }, me);

  it("is alive as long as its process is, whoever asks", () => {
    expect(of({})).toBe("alive");
    expect(of({ pid: process.ppid, started: null })).toBe("alive");
  });

  it("is over where no process has its number, or one that started at another time", () => {
    expect(of({ pid: 4_194_305 })).toBe("over");
    expect(of({ started: "1" })).toBe("over");
  });

  it("is over where the machine has been started since", () => {
    expect(of({ boot: "an earlier one" })).toBe("over");
  });

  it("can't be told by its number on another machine, or in another container", () => {
    expect(of({ machine: "another", boot: "its own", pid: 4_194_305 })).toBe("untold");
    expect(of({ namespace: "pid:[1]", pid: 4_194_305 })).toBe("untold");
    expect(of({ namespace: "pid:[1]", machine: "a container of this machine", pid: 4_194_305 })).toBe("untold");
  });
});

describe("a lock", () => {
  it("is there while the work runs, says who has it, and leaves nothing behind", async () => {
    const own = ownerFile();
    await locked(own, async () => expect(locks()).toEqual(["a.lock"]));
    await expect(locked(own, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(locks()).toEqual([]);
  });

  it("is held by one of many at a time", async () => {
    let holders = 0;
    const work = async (): Promise<void> => {
      expect(++holders).toBe(1);
      await new Promise(setImmediate);
      holders--;
    };
    await Promise.all(Array.from({ length: 8 }, () => lockedBy(ownerFile(), patient(), work)));
  });

  it("is BUSY in time, whatever the wall clock says, with who holds it and what to do", async () => {
    const clock = createManualClock();
    await locked(ownerFile(), async () => {
      const waiting = locked(ownerFile(), nothing, clock);
      const rejected = expect(waiting).rejects.toMatchObject({
        code: "BUSY",
        message: expect.stringMatching(new RegExp(`process ${process.pid} on .*remove ${lock}`)),
      });
      clock.setWallClock(30 * 86_400_000);
      for (let ms = 0; ms < 50; ms++) await clock.advanceAsync(1);
      await rejected;
      expect(clock.pendingTimers).toBe(0);
    });
  });

  it("is waited for by who stands still, and BUSY in time", async () => {
    const nothingNow = function* (): Steps<void> {};
    await locked(ownerFile(), async () => {
      const before = performance.now();
      const wait = { clock: systemClock, deadline: before + 50, timeoutMs: 50, signal: undefined };
      expect(() => runNow(withFileLock(lock, ownerFile(), wait, nothingNow))).toThrow(
        expect.objectContaining({ code: "BUSY" }),
      );
      expect(performance.now() - before).toBeGreaterThanOrEqual(50);
    });
    runNow(withFileLock(lock, ownerFile(), patient(), nothingNow));
    expect(locks()).toEqual([]);
  });

  it("is not waited for by a caller who has left", async () => {
    const abort = new AbortController();
    await locked(ownerFile(), async () => {
      const waiting = lockedBy(ownerFile(), { ...patient(), signal: abort.signal }, nothing);
      abort.abort(new Error("left"));
      await expect(waiting).rejects.toThrow("left");
    });
  });

  it.each([1, 2, 3])("of a process whose number another has now is free at once, after %i such", async (deaths) => {
    for (let name = lock, death = 0; death < deaths; death++) {
      const dead = over();
      linkSync(dead.path, name);
      name = heirOf(lock, dead.owner.token);
    }
    await locked(ownerFile(), async () => expect(locks()).toHaveLength(deaths + 1));
    expect(locks()).toEqual([]);
  });

  it("of a dead owner has one heir, however many want it", async () => {
    for (let round = 0; round < 20; round++) {
      linkSync(over().path, lock);
      let holders = 0;
      await Promise.all(
        Array.from({ length: 6 }, () =>
          lockedBy(ownerFile(), patient(), async () => {
            expect(++holders).toBe(1);
            await new Promise(setImmediate);
            holders--;
          }),
        ),
      );
      expect(locks()).toEqual([]);
    }
  });

  it("is not inherited twice by one who was slow to see that it has been", async () => {
    const dead = over();
    linkSync(dead.path, lock);
    await locked(ownerFile(), nothing);
    // What an heir leaves that dies while it releases.
    linkSync(over().path, heirOf(lock, dead.owner.token));
    await locked(ownerFile(), async () => {
      await expect(locked(ownerFile(), nothing)).rejects.toMatchObject({ code: "BUSY" });
    });
  });

  it("stays its heir's, and the heir's heir's, when the folder is swept; what no heir needs any more goes", async () => {
    const [first, second, other] = [over(), over(), over()];
    linkSync(first.path, lock);
    linkSync(second.path, heirOf(lock, first.owner.token));
    linkSync(first.path, heirOf(lock, other.owner.token));
    await locked(ownerFile(), async () => {
      const folderOfAnother = await runLater(openFolder(folder, false, systemClock));
      expect(locks().sort()).toEqual(["a.lock", ...[first, second].map(({ owner }) => `a.lock.${owner.token}`)]);
      await expect(locked(folderOfAnother.ownFile(), nothing)).rejects.toMatchObject({ code: "BUSY" });
      folderOfAnother.close();
    });
    expect(locks()).toEqual([]);
  });

  it("that its owner could not remove is its owner's still", async () => {
    const own = ownerFile();
    linkSync(own.path, lock);
    await locked(own, nothing);
    expect(locks()).toEqual([]);
  });

  it("that says nothing is nobody's to break", async () => {
    writeFileSync(lock, "");
    await expect(locked(ownerFile(), nothing)).rejects.toMatchObject({ code: "BUSY" });
    expect(existsSync(lock)).toBe(true);
  });

  it("of a killed holder is free at once", CHILDREN, async () => {
    await runAndKill(child("lock-holder"), { at: "held", args: [folder, lock] });
    expect(locks()).toEqual(["a.lock"]);
    const clock = createManualClock();
    await locked(ownerFile(), nothing, clock);
    expect(locks()).toEqual([]);
  });
});

describe("a lock of another container", () => {
  /** The file of an owner whose number means nothing here. */
  function moveToContainer(path: string): void {
    const owner = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...owner, namespace: "pid:[1]", pid: 4_194_305 }));
  }

  it("is respected as long as its owner listens, and free when that is killed", CHILDREN, async () => {
    const holder = spawn(process.execPath, [child("lock-holder"), folder, lock, "and stay"], { stdio: "inherit" });
    try {
      await expect.poll(locks, { timeout: 60_000 }).toEqual(["a.lock"]);
      moveToContainer(lock);
      await expect(locked(ownerFile(), nothing)).rejects.toMatchObject({ code: "BUSY" });
      holder.kill("SIGSTOP");
      await expect(locked(ownerFile(), nothing)).rejects.toMatchObject({ code: "BUSY" });
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    // Sweeps the folder, but not what proves that the holder is dead.
    const { ownFile, close } = await runLater(openFolder(folder, false, systemClock));
    await locked(ownFile(), nothing, createManualClock());
    expect(locks()).toEqual([]);
    close();
  });

  it("is not broken where its owner never listened", async () => {
    const own = ownerFile();
    moveToContainer(own.path);
    linkSync(own.path, lock);
    await expect(locked(ownerFile(), nothing)).rejects.toMatchObject({
      code: "BUSY",
      message: expect.stringContaining("can't be told from here"),
    });
  });
});

function patient(): LockWait {
  return { clock: systemClock, deadline: Number.POSITIVE_INFINITY, timeoutMs: 0, signal: undefined };
}
