// Finds a server's program, or installs it where that can be done without asking, or says what to do.

import { spawnSync } from "node:child_process";
import { accessSync, constants, globSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Program {
  /** Any of these will do. */
  readonly names: readonly string[];
  /** Patterns of folders to look in after PATH. */
  readonly folders?: readonly string[];
  readonly debianPackage: string;
  readonly homebrewFormula: string;
}

// Debian keeps servers in sbin, which is not on everyone's PATH; Homebrew has two homes.
const USUAL_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** The path of an installed program, installing it first if need be. */
export function findProgram(program: Program): string {
  const found = look(program);
  if (found) return found;
  if (!canInstall()) throw new Error(remedy(program));
  install(program.debianPackage);
  const installed = look(program);
  if (installed) return installed;
  throw new Error(`${program.debianPackage} is installed, but ${program.names.join(" or ")} is nowhere to be found`);
}

function look({ names, folders = [] }: Pick<Program, "names" | "folders">): string | undefined {
  const { PATH = "" } = process.env;
  const path = PATH.split(delimiter).filter((folder) => folder !== "");
  // Newest first, where a pattern matches several versions.
  const others = [...folders, ...USUAL_FOLDERS].flatMap((pattern) => globSync(pattern).sort(byVersion).reverse());
  for (const folder of [...path, ...others]) {
    const file = names.map((name) => join(folder, name)).find(isExecutable);
    if (file) return file;
  }
  return undefined;
}

const byVersion = new Intl.Collator("en", { numeric: true }).compare;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && look({ names: ["apt-get"] }) !== undefined;
}

/**
 * One process at a time (flock), and the second finds it done. policy-rc.d with exit code 101 is Debian's way to say
 * that a package may not start its service; it is ours only for the time of the installation.
 */
const INSTALL = `
exec >&2
dpkg -s "$1" 2>/dev/null | grep -q '^Status: install ok installed' && exit
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
apt-get update -qq && apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$1"
`;

function install(debianPackage: string): void {
  console.log(`Installing ${debianPackage} with apt-get: tests need it, and it is not on this machine.`);
  const { status, stderr } = spawnSync("flock", ["/tmp/holdfast-apt.lock", "sh", "-c", INSTALL, "sh", debianPackage], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return;
  const words = stderr.trimEnd().split("\n").slice(-10).join("\n");
  throw new Error(`apt-get could not install ${debianPackage}:\n${words}`);
}

function remedy({ names, debianPackage, homebrewFormula }: Program): string {
  return `${names.join(" or ")} is not installed, and tests need it. What helps:
  Debian, Ubuntu: sudo apt-get install ${debianPackage}
  macOS: brew install ${homebrewFormula}`;
}
