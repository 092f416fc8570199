import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findProgram } from "../src/servers/programs.ts";

const program = { names: ["first-name", "second-name"], debianPackage: "some-server", homebrewFormula: "some" };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-programs-"));
  vi.stubEnv("PATH", join(folder, "on-path"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function place(path: string, mode = 0o755): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "", { mode });
  return file;
}

test("finds a program under any of its names on the PATH", () => {
  const file = place("on-path/second-name");
  expect(findProgram(program)).toBe(file);
});

test("passes over what cannot be executed", () => {
  place("on-path/first-name", 0o644);
  const file = place("on-path/second-name");
  expect(findProgram(program)).toBe(file);
});

test("off the PATH, finds the newest version", () => {
  for (const version of ["9", "15", "14"]) place(`versions/${version}/bin/first-name`);
  expect(findProgram({ ...program, folders: [join(folder, "versions/*/bin")] })).toBe(
    join(folder, "versions/15/bin/first-name"),
  );
});

test("where it can neither find nor install, it says how to install", () => {
  expect(() => findProgram(program)).toThrow(
    `first-name or second-name is not installed, and tests need it. What helps:
  Debian, Ubuntu: sudo apt-get install some-server
  macOS: brew install some`,
  );
});
