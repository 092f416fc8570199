import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { runAndKill, runToEnd } from "@holdfast/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

const child = (name: string): string => join(import.meta.dirname, "children", `${name}.ts`);
const writer = child("writer");

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-crash-"));
  file = join(folder, "file");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("runs to the end and lists the steps on the way", async () => {
  const run = await runToEnd(writer, { args: [file] });
  expect(run.steps).toEqual(["before-write", "after-write", "after-write"]);
  expect(run.stdout).toBe("the end\n");
});

test("kills at the first step of a name: what comes after never happens", async () => {
  const run = await runAndKill(writer, { at: "after-write", args: [file] });
  expect(run.steps).toEqual(["before-write", "after-write"]);
  expect(readFileSync(file, "utf8")).toBe("written\n");
});

test("kills at every step in turn", async () => {
  const { steps } = await runToEnd(writer, { args: [join(folder, "rehearsal")] });
  const states: string[] = [];
  for (const at of steps.keys()) {
    const own = join(folder, String(at));
    await runAndKill(writer, { at, args: [own] });
    states.push(at === 0 ? "" : readFileSync(own, "utf8"));
  }
  expect(states).toEqual(["", "written\n", "written\ndone\n"]);
});

test("passes environment variables on", async () => {
  await runToEnd(writer, { args: [file], env: { GREETING: "hello" } });
  expect(readFileSync(file, "utf8")).toBe("written\nhello\n");
});

test("a step that is never reached is an error that names those that were", async () => {
  await expect(runAndKill(writer, { at: "after-wirte", args: [file] })).rejects.toThrow(
    "ended with 0 before step after-wirte; it came to before-write, after-write, after-write",
  );
});

test("a child that fails is an error with its own words", async () => {
  await expect(runToEnd(child("failing"))).rejects.toThrow("as planned");
});

test("a step does nothing when the file is run by itself", () => {
  expect(execFileSync(process.execPath, [writer, file], { encoding: "utf8" })).toBe("the end\n");
});

test("a child that waits at a step dies when its parent is gone", async () => {
  const env = { ...process.env, HOLDFAST_STEP_FD: "3" };
  const orphan = spawn(process.execPath, [writer, file], { env, stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const line = orphan.stdio[3] as Readable;
  line.once("data", () => line.destroy());
  expect(await once(orphan, "exit")).toEqual([null, "SIGKILL"]);
});
