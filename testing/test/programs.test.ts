import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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

function place(path: string, mode = 0o755, content = ""): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content, { mode });
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

describe("as root on Debian", () => {
  // Of what is installed there, only these two are asked for, and apt-get is not run: flock runs what runs it.
  beforeEach(() => {
    vi.spyOn(process, "getuid").mockReturnValue(0);
    vi.spyOn(console, "log").mockReturnValue();
    place("on-path/apt-get");
  });
  afterEach(() => vi.restoreAllMocks());
  const flock = (...lines: string[]): string => place("on-path/flock", 0o755, ["#!/bin/sh", ...lines, ""].join("\n"));

  test("it installs the package, one process at a time, and finds the program in it", () => {
    const file = join(folder, "on-path/second-name");
    flock('printf "%s\\n" "$1" "$2" "$6" > "$0.log"', `: > "${file}"`, `/bin/chmod +x "${file}"`);
    expect(findProgram(program)).toBe(file);
    expect(readFileSync(join(folder, "on-path/flock.log"), "utf8")).toBe("/tmp/holdfast-apt.lock\nsh\nsome-server\n");
    expect(console.log).toHaveBeenCalledWith(expect.stringContaining("Installing some-server with apt-get"));
  });

  test("it installs nothing where the program is there", () => {
    flock('printf "" > "$0.log"');
    const file = place("on-path/first-name");
    expect(findProgram(program)).toBe(file);
    expect(existsSync(join(folder, "on-path/flock.log"))).toBe(false);
  });

  test("it says what apt-get said where that fails", () => {
    flock('echo "E: Unable to locate package $6" >&2', "exit 100");
    expect(() => findProgram(program)).toThrow(
      "apt-get could not install some-server:\nE: Unable to locate package some-server",
    );
  });

  test("it says so where the package has no such program", () => {
    flock("exit 0");
    expect(() => findProgram(program)).toThrow("some-server is installed, but first-name or second-name is nowhere");
  });
});

test("where it can neither find nor install, it says how to install", () => {
  expect(() => findProgram(program)).toThrow(
    `first-name or second-name is not installed, and tests need it. What helps:
  Debian, Ubuntu: sudo apt-get install some-server
  macOS: brew install some`,
  );
});
