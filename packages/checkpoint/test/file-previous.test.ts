import { mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCheckpoints } from "../src/index.ts";
import { type FileStore, fileStore } from "../src/stores/file.ts";

const KEPT = { savedAt: 1, keep: 2 };
const corrupt = expect.objectContaining({ code: "CORRUPT" });

let outside: string;
let folder: string;
let file: string;
let previous: string;
let store: FileStore;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  folder = join(outside, "folder");
  file = join(folder, "k-a.checkpoint");
  previous = `${file}.bak`;
  store = fileStore({ folder });
  await store.save("a", "1", KEPT);
  await store.save("a", "2", KEPT);
  await store.save("a", "3", KEPT);
});
afterEach(async () => {
  await store.close();
  await rm(outside, { recursive: true });
});

const versions = async (): Promise<string[]> => (await store.versions("a")).map(({ data }) => data);
const spoil = (): Promise<void> => writeFile(file, "spoilt");
const files = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith("k-")).sort();

describe("a file that has a history and can't be read", () => {
  it("is what it was before its last change, torn at whatever byte, and says so", async () => {
    const whole = await readFile(file);
    for (let bytes = whole.length - 1; bytes >= 0; bytes--) {
      await truncate(file, bytes);
      const entry = await store.read("a");
      expect(entry).toMatchObject({ data: "2", recovered: { version: 2, because: expect.stringContaining(file) } });
      expect(await versions()).toEqual(["2", "1"]);
    }
  });

  it("is the same where it is gone", async () => {
    await rm(file);
    expect(await store.read("a")).toMatchObject({ data: "2", recovered: { version: 2 } });
    const keys: string[] = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["a"]);
  });

  it("is CORRUPT where the file before it can't be read either, torn at whatever byte", async () => {
    await spoil();
    const { length } = await readFile(previous);
    for (let bytes = length - 1; bytes >= 0; bytes--) {
      await truncate(previous, bytes);
      await expect(store.read("a")).rejects.toEqual(corrupt);
    }
    await rm(file);
    await expect(store.read("a")).rejects.toMatchObject({ message: expect.stringContaining(`move ${previous} away`) });
    await rm(previous);
    expect(await store.read("a")).toBeUndefined();
  });

  it("is CORRUPT where nothing had been saved before, and no first start", async () => {
    await store.grant("b", "me", undefined);
    await store.save("b", "1", KEPT);
    await writeFile(join(folder, "k-b.checkpoint"), "");
    await expect(store.read("b")).rejects.toEqual(corrupt);
  });

  it("goes on from there, with its history", async () => {
    await spoil();
    const version = (await store.read("a"))?.version ?? 0;
    expect(await store.save("a", "4", { ...KEPT, ifVersion: version })).toMatchObject({ ok: true });
    expect(await store.read("a")).not.toHaveProperty("recovered");
    expect(await versions()).toEqual(["4", "2", "1"]);
    await spoil();
    expect(await store.read("a")).toMatchObject({ data: "2" });
  });

  it("takes nobody for up to date who has seen what is lost", async () => {
    await spoil();
    for (const ifVersion of [1, 2, 3]) {
      expect(await store.save("a", "stale", { ...KEPT, ifVersion })).toMatchObject({ ok: false });
    }
  });

  it("takes no lease from there for one that holds, whichever change was lost", async () => {
    const first = (await store.grant("a", "first", { fence: 0, beat: 0 })).entry;
    const second = (await store.grant("a", "second", { fence: 1, beat: first?.beat ?? 0 })).entry;
    await spoil();
    for (const fence of [1, 2]) {
      expect(await store.save("a", "stale", { ...KEPT, fence })).toMatchObject({ ok: false });
      expect(await store.renew("a", fence)).toMatchObject({ ok: false });
    }
    const now = await store.read("a");
    expect(now).toMatchObject({ data: "3", holder: null });
    expect(now?.fence).toBeGreaterThan(second?.fence ?? 0);
    expect(await store.grant("a", "third", now)).toMatchObject({ ok: true });
  });

  it("is no different for who stands still", async () => {
    await spoil();
    expect(store.readSync("a")).toMatchObject({ data: "2", recovered: { version: 2 } });
    expect(store.saveSync("a", "4", KEPT)).toMatchObject({ ok: true });
    expect(await versions()).toEqual(["4", "2", "1"]);
  });
});

describe("the previous file", () => {
  it("is kept with a history alone, and goes with it", async () => {
    expect(await files()).toEqual(["k-a.checkpoint", "k-a.checkpoint.bak"]);
    await store.save("a", "4", { savedAt: 1 });
    expect(await files()).toEqual(["k-a.checkpoint"]);
    await store.grant("a", "me", { fence: 0, beat: 0 });
    expect(await files()).toEqual(["k-a.checkpoint"]);
  });

  it("does not outlive what is deleted", async () => {
    await store.delete("a");
    expect(await files()).toEqual(["k-a.checkpoint"]);
    await spoil();
    await expect(store.read("a")).rejects.toEqual(corrupt);
  });

  it("stands beside what a link leads to", async () => {
    await rename(file, join(outside, "target"));
    await symlink(join(outside, "target"), file);
    await rm(previous);
    await store.save("a", "4", KEPT);
    expect((await readdir(outside)).sort()).toEqual(["folder", "target", "target.bak"]);
    await writeFile(join(outside, "target"), "");
    expect(await store.read("a")).toMatchObject({ data: "3" });
  });
});

describe("checkpoints", () => {
  it("load the last good version of a file that can't be read, tell, and go on", async () => {
    const told: unknown[] = [];
    const checkpoints = createCheckpoints<string>({
      store,
      history: 2,
      on: { recovered: (event) => told.push(event) },
    });
    for (const value of ["a", "b", "c"]) await checkpoints.save("hot", value);
    await truncate(join(folder, "k-hot.checkpoint"), 100);
    const loaded = await checkpoints.load("hot");
    expect(loaded).toMatchObject({ value: "b", recoveredFrom: 2 });
    expect(told).toMatchObject([{ key: "hot", version: 2, because: expect.stringContaining("k-hot.checkpoint") }]);
    await checkpoints.save("hot", "d", { ifVersion: loaded?.version });
    expect((await checkpoints.versions("hot")).map(({ value }) => value)).toEqual(["d", "b", "a"]);
  });
});
