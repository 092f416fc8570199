import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runAndKill, runToEnd } from "@holdfast/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CheckpointStore } from "../src/checkpoint-store.ts";
import { type FileStore, type FileStoreOptions, fileStore } from "../src/stores/file.ts";
import { stateOf } from "./process-state.ts";
import { onSmallDisk } from "./small-disk.ts";

/** Node takes a while to start, the longer the busier the machine is. */
const CHILDREN = { timeout: 120_000 };
const child = (name: string): string => join(import.meta.dirname, "children", `${name}.ts`);
const AT = { savedAt: 1 };

let outside: string;
let folder: string;
let file: string;
let store: FileStore;
const stores: CheckpointStore[] = [];
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  folder = join(outside, "made", "by the store");
  file = join(folder, "k-a.checkpoint");
  store = opened();
  await store.save("a", "old", AT);
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((one) => one.close()));
  await rm(outside, { recursive: true, force: true });
});

function opened(options: Partial<FileStoreOptions> = {}): FileStore {
  const made = fileStore({ folder, ...options });
  stores.push(made);
  return made;
}

/** All that can be asked of a store. */
const asks: Readonly<Record<string, () => Promise<unknown>>> = {
  read: () => store.read("a"),
  save: () => store.save("a", "new", AT),
  saveSync: async () => store.saveSync("a", "new", AT),
  delete: () => store.delete("a"),
  grant: () => store.grant("a", "me", { fence: 0, beat: 0 }),
  renew: () => store.renew("a", 0),
  release: () => store.release("a", 0),
  versions: () => store.versions("a"),
  list: () => keysOf(store),
  readSync: async () => store.readSync("a"),
};

async function keysOf(from: CheckpointStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of from.list("")) keys.push(key);
  return keys;
}

async function expectAll(code: string): Promise<void> {
  for (const [name, ask] of Object.entries(asks)) await expect(ask(), name).rejects.toMatchObject({ code });
}

describe("a file that can't be relied on", () => {
  it("is CORRUPT, torn at whatever byte, and never nothing", async () => {
    const { length } = await readFile(file);
    for (let bytes = length - 1; bytes >= 0; bytes--) {
      await truncate(file, bytes);
      await expect(store.read("a")).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining(file) });
    }
  });

  it("is refused by all that is asked, and stays as it is", async () => {
    await writeFile(file, "not ours");
    await expectAll("CORRUPT");
    expect(await readFile(file, "utf8")).toBe("not ours");
  });

  it("is NEWER_VERSION where a later version of this package wrote it", async () => {
    await writeFile(file, "holdfast-checkpoint 2 {}\n");
    await expectAll("NEWER_VERSION");
  });

  it("is CORRUPT where it has been given the name of another key", async () => {
    await rename(file, join(folder, "k-b.checkpoint"));
    await expect(store.read("b")).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it("is STORE_FAILED where it is no file", async () => {
    await rm(file);
    await mkdir(file);
    await expectAll("STORE_FAILED");
  });
});

describe("a folder", () => {
  it("that is removed while it is open is STORE_FAILED, and not an empty one", async () => {
    await rm(folder, { recursive: true });
    await expectAll("STORE_FAILED");
  });

  it("that is removed and made again is STORE_FAILED, too", async () => {
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await expectAll("STORE_FAILED");
    expect(await readdir(folder)).toEqual([]);
  });

  it("that is missing is STORE_FAILED where it was not to be made, until it is there", async () => {
    await rename(folder, `${folder} elsewhere`);
    const other = opened({ create: false });
    await expect(other.read("a")).rejects.toMatchObject({ code: "STORE_FAILED" });
    await rename(`${folder} elsewhere`, folder);
    expect((await other.read("a"))?.data).toBe("old");
  });

  it("has in it what is not a checkpoint's, which is left alone", async () => {
    for (const name of ["README", "k-A.checkpoint", ".hidden"]) await writeFile(join(folder, name), "theirs");
    expect(await keysOf(opened())).toEqual(["a"]);
    expect(await readFile(join(folder, "README"), "utf8")).toBe("theirs");
  });

  it("is swept, when it is opened, of temporary files whose writer is over, and of no other's", async () => {
    await writeFile(`${file}.${"0".repeat(18)}.7.tmp`, "");
    const [own] = (await readdir(folder)).filter((name) => name.endsWith(".owner"));
    const token = own?.replace(".owner", "");
    await writeFile(`${file}.${token}.7.tmp`, "");
    await opened().read("a");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([`k-a.checkpoint.${token}.7.tmp`]);
    await utimes(`${file}.${token}.7.tmp`, 1, 1);
    await opened().read("a");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("has nothing but checkpoints in it when the last store is closed", async () => {
    await opened().save("b", "1", AT);
    await Promise.all(stores.splice(0).map((one) => one.close()));
    expect((await readdir(folder)).sort()).toEqual(["k-a.checkpoint", "k-b.checkpoint"]);
  });
});

describe("a link in the place of a file", () => {
  it("stays, and what it leads to is replaced", async () => {
    await rename(file, join(outside, "target"));
    await symlink(join(outside, "target"), file);
    await store.save("a", "new", AT);
    expect(await readFile(join(outside, "target"), "utf8")).toContain("new");
    expect((await readdir(outside)).sort()).toEqual(["made", "target"]);
  });

  it("is STORE_FAILED where it leads to nowhere", async () => {
    await rm(file);
    await symlink(join(outside, "nowhere"), file);
    await expect(store.read("a")).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(store.save("a", "new", AT)).rejects.toMatchObject({ code: "STORE_FAILED" });
  });
});

describe("a store", () => {
  it("refuses data above maxBytes, counted in UTF-8", async () => {
    const small = opened({ maxBytes: 4 });
    await small.save("a", "éé", AT);
    await expect(small.save("a", "ééé", AT)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("finishes what was asked when it is closed, and is CLOSED then", async () => {
    const other = opened();
    const saves = Array.from({ length: 5 }, (_, index) => other.save("a", `${index}`, AT));
    await other.close();
    for (const save of saves) expect(await save).toMatchObject({ ok: true });
    await expect(other.read("a")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("saves, or does not, when a caller leaves in the middle, but never by half", async () => {
    for (let turn = 0; turn < 20; turn++) {
      const abort = new AbortController();
      const save = store.save("a", `${turn}`.repeat(1000), AT, { signal: abort.signal });
      setImmediate(() => abort.abort(new Error("left")));
      await save.catch((error) => expect(error).toMatchObject({ message: "left" }));
      expect(await store.read("a")).toBeDefined();
    }
  });
});

describe("processes", () => {
  it.each([
    ["save", "save"],
    ["save", "saveSync"],
    ["saveSync", "saveSync"],
  ])("that add to one number at once, by %s and %s, lose nothing", CHILDREN, async (...hows) => {
    const counted = join(outside, "counted");
    await Promise.all(hows.map((how) => runToEnd(child("file-counter"), { args: [counted, "300", how] })));
    expect(await opened({ folder: counted }).read("a")).toMatchObject({ data: "600", version: 600 });
  });

  it.each([
    ["save", "0"],
    ["save", "1"],
    ["saveSync", "0"],
    ["saveSync", "1"],
  ])(
    "may be killed at every call of %s that changes the disk, with a history of %s: what was there or what was saved is there",
    CHILDREN,
    async (how, keep) => {
      const { steps } = await runToEnd(child("file-saver"), { args: [folder, "whole", how, keep] });
      await opened().save("a", "old", { ...AT, keep: Number(keep) });
      expect(steps.filter((name) => name.startsWith("fsync")).length).toBeGreaterThanOrEqual(3);
      const seen = new Set<string>();
      for (let at = 0; at < steps.length; at++) {
        await runAndKill(child("file-saver"), { at, args: [folder, `${at}`, how, keep] });
        const next = opened({ lockTimeout: 0 });
        const entry = await next.read("a");
        expect(["old", `${at}`], `killed before ${steps[at]}, the step ${at}`).toContain(entry?.data);
        seen.add(entry?.data === "old" ? "old" : "new");
        await next.save("a", "old", { ...AT, keep: Number(keep) });
        await next.close();
        expect((await readdir(folder)).filter((name) => /tmp|lock/.test(name))).toEqual([]);
      }
      expect(seen).toEqual(new Set(["old", "new"]));
    },
  );

  it("that sleep while they save keep others out for as long, and then save what they had to", CHILDREN, async () => {
    const sleeper = spawn(process.execPath, [child("file-sleeper"), folder], { stdio: "inherit" });
    const ended = new Promise((resolve) => sleeper.on("exit", resolve));
    try {
      await expect.poll(() => stateOf(sleeper.pid), { timeout: 60_000 }).toBe("T");
      await expect(opened({ lockTimeout: "50ms" }).save("a", "new", AT)).rejects.toMatchObject({
        code: "BUSY",
        message: expect.stringContaining(`process ${sleeper.pid}`),
      });
      expect((await store.read("a"))?.data).toBe("old");
    } finally {
      sleeper.kill("SIGCONT");
    }
    expect(await ended).toBe(0);
    expect(await store.read("a")).toMatchObject({ data: "the sleeper's", version: 2 });
  });
});

describe("a disk", () => {
  it("that is full is STORE_FAILED, and the old version stands", CHILDREN, async () => {
    const fill = "head -c 10M /dev/zero > filler; true";
    const [first, full, again] = await onMount("60000", [fill, "rm filler"]);
    expect(first).toEqual({ saved: "saved", stands: "0", drafts: [] });
    expect(full).toMatchObject({
      saved: { code: "STORE_FAILED", message: expect.stringMatching(/ENOSPC.*free some space/) },
      stands: "0",
      drafts: [],
    });
    expect(again).toEqual({ saved: "saved", stands: "2", drafts: [] });
  });

  it("that gets full in the middle of a save is the same", CHILDREN, async () => {
    const [, full] = await onMount("100000", ["head -c 120000 /dev/zero > filler; true"]);
    expect(full).toMatchObject({ saved: { code: "STORE_FAILED" }, stands: "0", drafts: [] });
  });

  it("that can't be written is known as soon as the store is opened", CHILDREN, async () => {
    const [, readOnly] = await onMount("10", ["mount -o remount,ro ."]);
    expect(readOnly).toMatchObject({
      saved: { code: "STORE_FAILED", message: expect.stringContaining("mount it for writing") },
      stands: "STORE_FAILED",
    });
  });
});

function onMount(bytes: string, commands: readonly string[]): Promise<unknown[]> {
  return onSmallDisk(child("file-on-mount"), outside, 300, [bytes, ...commands]);
}
