import fs from "node:fs";
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { replaceFile } from "../src/file/durable-write.ts";
import { runLater, runNow, type Steps } from "../src/steps.ts";
import { type DiskCalls, replaceDiskCalls } from "./children/disk-calls.ts";

const NEW = Buffer.from("new and longer");
const LARGE = Buffer.alloc(1_000_000, "x");

let folder: string;
let file: string;
let restore: (() => void) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-write-"));
  file = join(folder, "file");
  await writeFile(file, "old");
});
afterEach(async () => {
  restore?.();
  restore = undefined;
  await rm(folder, { recursive: true });
});

const expectOnly = async (content: string): Promise<void> => {
  expect(await readFile(file, "utf8")).toBe(content);
  expect(await readdir(folder)).toEqual(["file"]);
};

/** Both ways to run it, and what each calls to wait for the disk. */
const ways = [
  { way: "later", run: (steps: Steps<void>) => runLater(steps), fsync: "fsync", rename: "rename" },
  { way: "now", run: async (steps: Steps<void>) => runNow(steps), fsync: "fsyncSync", rename: "renameSync" },
] as const;

describe.each(ways)("replaceFile, run $way,", ({ run, fsync, rename }) => {
  const replace = (bytes: Uint8Array, path = file): Promise<void> =>
    run(replaceFile(path, { bytes, temporary: "tmp" }));

  test.each([NEW, LARGE, Buffer.alloc(0)])("replaces the file, for this user's eyes only", async (bytes) => {
    await replace(bytes);
    await expectOnly(bytes.toString());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("is on the disk before it is in place, and its name before the end", async () => {
    const order: string[] = [];
    restore = replaceDiskCalls(["openSync", "writeSync", fsync, rename, "closeSync"], (call, name) => {
      order.push(name);
      return call();
    });
    await replace(NEW);
    expect(order).toEqual([
      ...["openSync", "writeSync", fsync, "closeSync"],
      ...["openSync", rename, fsync, "closeSync"],
    ]);
  });

  test("goes on after a write that took less than it was given", async () => {
    const { writeSync } = fs;
    restore = replaceDiskCalls(["writeSync"], (_call, _name, args) => {
      const [handle, bytes, offset] = args as [number, Buffer, number];
      return writeSync(handle, bytes, offset, 1);
    });
    await replace(NEW);
    await expectOnly(NEW.toString());
  });

  test.each([
    ["the write takes nothing", "writeSync", () => 0],
    ["the write fails", "writeSync", fail],
    ["the temporary file can't be made", "openSync", fail],
    ["the folder can't be opened", "openSync", failAfterFirst()],
    ["the rename fails", rename, fail],
  ] as [string, keyof DiskCalls, Fault][])("leaves the old file, and no other, where %s", async (_, name, fault) => {
    restore = replaceDiskCalls([name], fault);
    await expect(replace(NEW)).rejects.toThrow(/EIO|takes no more/);
    await expectOnly("old");
  });

  test("throws the temporary file away when its fsync fails, and does not ask again", async () => {
    const synced: unknown[] = [];
    restore = replaceDiskCalls([fsync], (call, name, args) => {
      synced.push(args[0]);
      return fail(call, name, args);
    });
    await expect(replace(NEW)).rejects.toThrow("EIO");
    expect(synced).toHaveLength(1);
    await expectOnly("old");
  });

  test("says so where the new file is in place, but a power cut may take its name back", async () => {
    restore = replaceDiskCalls([fsync], failAfterFirst());
    await expect(replace(NEW)).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("has been replaced"),
    });
    await expectOnly(NEW.toString());
  });

  test("keeps a link, and replaces what it leads to", async () => {
    const link = join(folder, "link");
    await symlink("file", link);
    await replace(NEW, link);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readlink(link)).toBe("file");
    expect(await readFile(file, "utf8")).toBe(NEW.toString());
  });

  test("does not write through what stands in the temporary file's place", async () => {
    await writeFile(join(folder, "elsewhere"), "theirs");
    await symlink("elsewhere", `${file}.tmp`);
    await expect(replace(NEW)).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(join(folder, "elsewhere"), "utf8")).toBe("theirs");
    expect(await readFile(file, "utf8")).toBe("old");
  });
});

type Fault = Parameters<typeof replaceDiskCalls>[1];

/** As the call does: at once, or to its callback. */
function fail(...[, name, args]: Parameters<Fault>): void {
  const error = Object.assign(new Error(`EIO: i/o error, ${name}`), { code: "EIO", syscall: name });
  if (name.endsWith("Sync")) throw error;
  setImmediate(args.at(-1) as (error: Error) => void, error);
}

function failAfterFirst(): Fault {
  let calls = 0;
  return (call, name, args) => (++calls === 1 ? call() : fail(call, name, args));
}
