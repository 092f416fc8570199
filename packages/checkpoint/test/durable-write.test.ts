import fs from "node:fs";
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFile } from "../src/file/durable-write.ts";
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

test.each([NEW, LARGE, Buffer.alloc(0)])("replaces the file, for this user's eyes only", async (bytes) => {
  await replaceFile(file, bytes, "tmp");
  await expectOnly(bytes.toString());
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("is on the disk before it is in place, and its name before the promise resolves", async () => {
  const order: string[] = [];
  restore = replaceDiskCalls(["openSync", "writeSync", "fsync", "rename", "closeSync"], (call, name) => {
    order.push(name);
    return call();
  });
  await replaceFile(file, NEW, "tmp");
  expect(order.join(" ")).toBe("openSync writeSync fsync closeSync rename openSync fsync closeSync");
});

test("goes on after a write that took less than it was given", async () => {
  const { writeSync } = fs;
  restore = replaceDiskCalls(["writeSync"], (_call, _name, args) => {
    const [handle, bytes, offset] = args as [number, Buffer, number];
    return writeSync(handle, bytes, offset, 1);
  });
  await replaceFile(file, NEW, "tmp");
  await expectOnly(NEW.toString());
});

test.each([
  ["the write takes nothing", "writeSync", () => 0],
  ["the write fails", "writeSync", fail],
  ["the temporary file can't be made", "openSync", fail],
  ["the rename fails", "rename", failLater],
] as [string, keyof DiskCalls, Fault][])("leaves the old file, and no other, where %s", async (_, name, fault) => {
  restore = replaceDiskCalls([name], fault);
  await expect(replaceFile(file, NEW, "tmp")).rejects.toThrow();
  await expectOnly("old");
});

test("throws the temporary file away when its fsync fails, and does not ask again", async () => {
  const synced: unknown[] = [];
  restore = replaceDiskCalls(["fsync"], (_call, _name, [handle, done]) => {
    synced.push(handle);
    setImmediate(done as (error: Error) => void, ioError());
  });
  await expect(replaceFile(file, NEW, "tmp")).rejects.toThrow("EIO");
  expect(synced).toHaveLength(1);
  await expectOnly("old");
});

test("says so where the new file is in place, but a power cut may take its name back", async () => {
  let calls = 0;
  restore = replaceDiskCalls(["fsync"], (call, _name, [, done]) => {
    if (++calls === 1) return call();
    return setImmediate(done as (error: Error) => void, ioError());
  });
  await expect(replaceFile(file, NEW, "tmp")).rejects.toMatchObject({
    code: "STORE_FAILED",
    message: expect.stringContaining("has been replaced"),
  });
  await expectOnly(NEW.toString());
});

test("keeps a link, and replaces what it leads to", async () => {
  const link = join(folder, "link");
  await symlink("file", link);
  await replaceFile(link, NEW, "tmp");
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readlink(link)).toBe("file");
  expect(await readFile(file, "utf8")).toBe(NEW.toString());
});

test("does not write through what stands in the temporary file's place", async () => {
  await writeFile(join(folder, "elsewhere"), "theirs");
  await symlink("elsewhere", `${file}.tmp`);
  await expect(replaceFile(file, NEW, "tmp")).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readFile(join(folder, "elsewhere"), "utf8")).toBe("theirs");
  expect(await readFile(file, "utf8")).toBe("old");
});

function ioError(): Error {
  return Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO", syscall: "fsync" });
}

function fail(): never {
  throw Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: "write" });
}

type Fault = Parameters<typeof replaceDiskCalls>[1];

/** Of a function with a callback. */
function failLater(...[, , args]: Parameters<Fault>): void {
  setImmediate(args.at(-1) as (error: Error) => void, ioError());
}
