import { readdirSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { holdIfThere } from "../src/file/held-file.ts";
import { fileStore } from "../src/stores/file.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "holdfast-held-")));
  file = join(folder, "file");
  await writeFile(file, "old");
});
afterEach(() => rm(folder, { recursive: true }));

describe("a held file", () => {
  it("is read, and says where it is, also where a link leads there", async () => {
    const link = join(folder, "link");
    await symlink(file, link);
    for (const path of [file, link]) {
      const held = holdIfThere(path);
      expect(held).toMatchObject({ text: "old", target: file });
      held?.letGo();
    }
  });

  it("is none where there is none, nor where a link leads to nowhere", async () => {
    await symlink("nowhere", join(folder, "link"));
    expect(holdIfThere(join(folder, "missing"))).toBeUndefined();
    expect(holdIfThere(join(folder, "link"))).toBeUndefined();
  });

  it("that is no file is an error", async () => {
    await mkdir(join(folder, "folder"));
    expect(() => holdIfThere(join(folder, "folder"))).toThrow("EISDIR");
  });
});

describe.runIf(process.platform === "linux")("what a process has open", () => {
  const isOurs = (name: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
    } catch {
      // Closed meanwhile.
      return false;
    }
  };
  const open = (): number => readdirSync("/proc/self/fd").filter(isOurs).length;

  it("is nothing after a held file was let go of, twice or once, however often without a turn of the event loop", async () => {
    for (let round = 0; round < 5000; round++) {
      const held = holdIfThere(file);
      held?.letGo();
      if (round % 2 === 0) held?.letGo();
    }
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
  });

  it("is nothing after saves, made, refused or failed", async () => {
    const store = fileStore({ folder });
    const saves = [1, 2, 3].map((at) => store.save("a", `${at}`, { savedAt: at, keep: 1 }));
    expect((await Promise.all(saves)).map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(store.saveSync("a", "4", { savedAt: 4 })).toMatchObject({ ok: true });
    expect(store.saveSync("a", "5", { savedAt: 5, ifVersion: 1 })).toMatchObject({ ok: false });
    await rename(file, join(folder, "k-b.checkpoint"));
    expect(() => store.saveSync("b", "1", { savedAt: 1 })).toThrow(expect.objectContaining({ code: "CORRUPT" }));
    await store.close();
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
  });
});
