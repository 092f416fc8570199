import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@holdfast/core";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type FileStore, fileStore } from "../src/stores/file.ts";
import { replaceDiskCalls } from "./children/disk-calls.ts";

const AT = { savedAt: 1 };

let folder: string;
let store: FileStore;
let restore = (): void => {};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  store = fileStore({ folder });
  await store.save("a", "old", AT);
});
afterEach(async () => {
  restore();
  await store.close();
  await rm(folder, { recursive: true });
});

describe("too many open files", () => {
  const tooMany = (): never => {
    throw Object.assign(new Error("EMFILE: too many open files, open"), { code: "EMFILE", syscall: "open" });
  };
  it("are waited for, and the save is made", async () => {
    const clock = createManualClock();
    const patient = fileStore({ folder, clock });
    onTestFinished(() => patient.close());
    await patient.read("a");
    let tries = 0;
    restore = replaceDiskCalls(["openSync"], (call) => (++tries <= 5 ? tooMany() : call()));
    const saving = patient.save("a", "new", AT);
    await clock.advanceAsync(1 + 2 + 4 + 8 + 16);
    expect(await saving).toMatchObject({ ok: true });
    expect(clock.pendingTimers).toBe(0);
  });

  it("are STORE_FAILED after half a second, with what to do, and the old version stands", async () => {
    const clock = createManualClock();
    const patient = fileStore({ folder, clock });
    onTestFinished(() => patient.close());
    await patient.read("a");
    restore = replaceDiskCalls(["openSync"], tooMany);
    const failed = expect(patient.save("a", "new", AT)).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("open more files"),
    });
    await clock.advanceAsync(511);
    await failed;
    restore();
    expect((await store.read("a"))?.data).toBe("old");
    expect((await readdir(folder)).filter((name) => /tmp|lock/.test(name))).toEqual([]);
  });

  it("are STORE_FAILED at once where the process stands still: nobody could close one meanwhile", () => {
    store.readSync("a");
    let tries = 0;
    restore = replaceDiskCalls(["openSync"], () => {
      tries++;
      return tooMany();
    });
    expect(() => store.saveSync("a", "new", AT)).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
    expect(tries).toBe(1);
  });
});
