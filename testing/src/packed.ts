// Tests packages as their users get them: built, packed, installed into an empty project, and loaded from plain JavaScript.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

/** One thing that was tried, and what was wrong with it if something was. */
export interface PackedCheck {
  readonly name: string;
  readonly problem?: string | undefined;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package and the specifiers by which it is imported. */
interface PackedPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly entries: readonly string[];
}

/**
 * Builds and packs the published packages in these folders, and checks of each that
 * - every entry of its `exports` can be imported and required, and exports something, with its peer dependencies installed;
 * - without the optional ones, the main entry still can, and any other fails for no other reason than such a peer;
 * - its types are sound, with `skipLibCheck` off.
 */
export async function checkPacked(workspace: string, folders: readonly string[]): Promise<PackedCheck[]> {
  const packages = folders.map(readPackage);
  if (packages.length === 0) return [];
  const names = packages.map(({ manifest }) => manifest.name);
  console.log(`Packing ${names.join(", ")} and installing them into an empty project`);
  const temporary = mkdtempSync(join(tmpdir(), "holdfast-packed-"));
  try {
    const tarballs = await buildAndPack(workspace, packages, join(temporary, "tarballs"));
    const [withPeers, alone] = await Promise.all([
      install(join(temporary, "with-peers"), tarballs, Object.assign({}, ...packages.map(peersOf))),
      install(join(temporary, "alone"), tarballs, {}),
    ]);
    const [loads, loadsAlone, types] = await Promise.all([
      checkLoading(withPeers, packages),
      checkLoadingAlone(alone, packages),
      checkTypes(workspace, withPeers, packages),
    ]);
    return [...loads, ...loadsAlone, ...types];
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function readPackage(folder: string): PackedPackage {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const entries = Object.keys(manifest.exports ?? {}).filter((entry) => !entry.endsWith(".json"));
  return { folder, manifest, entries: entries.map((entry) => manifest.name + entry.slice(1)) };
}

/** Tarballs by name: of the packages and of those in the workspace that they depend on. */
type Tarballs = Readonly<Record<string, string>>;

async function buildAndPack(workspace: string, packages: readonly PackedPackage[], into: string): Promise<Tarballs> {
  const chosen = packages.flatMap(({ manifest }) => ["--filter-prod", `${manifest.name}...`]);
  await pnpm(workspace, [...chosen, "--recursive", "run", "--if-present", "build"]);
  mkdirSync(into);
  const output = await pnpm(workspace, [...chosen, "--recursive", "pack", "--json", "--pack-destination", into]);
  // One package alone comes without a list around it.
  const packed = [JSON.parse(output)].flat() as { readonly name: string; readonly filename: string }[];
  return Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${filename}`]));
}

/** Peers, optional or not, and the types that go with them, in the versions that the package itself is tested with. */
function peersOf({ folder, manifest }: PackedPackage): Record<string, string> {
  const types = Object.keys(manifest.devDependencies ?? {}).filter((name) => name.startsWith("@types/"));
  const peers = [...Object.keys(manifest.peerDependencies ?? {}), ...types];
  return Object.fromEntries(
    peers.map((peer) => [peer, readPackage(join(folder, "node_modules", peer)).manifest.version]),
  );
}

async function install(project: string, tarballs: Tarballs, peers: Readonly<Record<string, string>>): Promise<string> {
  mkdirSync(project);
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ private: true, dependencies: { ...peers, ...tarballs } }),
  );
  // JSON is YAML too. Overridden, our packages find each other's tarballs instead of what the registry has.
  writeFileSync(join(project, "pnpm-workspace.yaml"), JSON.stringify({ packages: [], overrides: tarballs }));
  await pnpm(project, ["install", "--prefer-offline", "--ignore-scripts"]);
  return project;
}

/** An entry that could not be loaded has a message instead of a number of exports. */
type Loaded = Readonly<Record<string, number | { readonly message: string; readonly code?: string }>>;

const LOAD = `
import { createRequire } from "node:module";

const [how, ...entries] = process.argv.slice(2);
const load = how === "require" ? createRequire(import.meta.url) : (entry) => import(entry);
const loaded = {};
for (const entry of entries) {
  try {
    loaded[entry] = Object.keys(await load(entry)).length;
  } catch ({ message, code }) {
    loaded[entry] = { message, code };
  }
}
console.log(JSON.stringify(loaded));
`;

async function load(project: string, how: "import" | "require", entries: readonly string[]): Promise<Loaded> {
  const file = join(project, "load.mjs");
  writeFileSync(file, LOAD);
  const { stdout } = await run(process.execPath, [file, how, ...entries], { cwd: project });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Loaded;
}

async function checkLoading(project: string, packages: readonly PackedPackage[]): Promise<PackedCheck[]> {
  const entries = packages.flatMap((one) => one.entries);
  const checks = (["import", "require"] as const).map(async (how) => {
    const loaded = await load(project, how, entries);
    return entries.map((entry) => ({ name: `${how} ${entry}`, problem: problemOf(loaded[entry]) }));
  });
  return (await Promise.all(checks)).flat();
}

async function checkLoadingAlone(project: string, packages: readonly PackedPackage[]): Promise<PackedCheck[]> {
  const loaded = await load(
    project,
    "import",
    packages.flatMap((one) => one.entries),
  );
  return packages.flatMap(({ manifest, entries }) =>
    entries.map((entry) => {
      const result = loaded[entry];
      const lacksPeer =
        typeof result === "object" &&
        result.code === "ERR_MODULE_NOT_FOUND" &&
        Object.keys(manifest.peerDependencies ?? {}).some((peer) => result.message.includes(`'${peer}'`));
      const excused = lacksPeer && entry !== manifest.name;
      return { name: `import ${entry} without optional peers`, problem: excused ? undefined : problemOf(result) };
    }),
  );
}

function problemOf(loaded: Loaded[string] | undefined): string | undefined {
  if (typeof loaded === "object") return loaded.message;
  return loaded ? undefined : "it exports nothing";
}

async function checkTypes(
  workspace: string,
  project: string,
  packages: readonly PackedPackage[],
): Promise<PackedCheck[]> {
  const files = packages.map(({ entries }, i) => {
    const file = `types-${i}.ts`;
    const lines = entries.map((entry, j) => `export * as entry${j} from "${entry}";`);
    writeFileSync(join(project, file), lines.join("\n"));
    return file;
  });
  const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2023", "--skipLibCheck", "false"];
  const types = ["--types", "node", "--typeRoots", join(workspace, "node_modules/@types")];
  const tsc = join(workspace, "node_modules/typescript/bin/tsc");
  const output = await run(process.execPath, [tsc, ...options, ...types, ...files], { cwd: project }).then(
    () => "",
    (error: { readonly stdout?: string }) => error.stdout ?? String(error),
  );
  // Errors in other people's declarations are theirs.
  const problems = output.split("\n");
  return packages.map(({ manifest }, i) => {
    const own = problems.filter(
      (line) => line.startsWith(`types-${i}.ts`) || line.includes(`/node_modules/${manifest.name}/`),
    );
    return { name: `types of ${manifest.name}`, problem: own.length > 0 ? own.join("\n") : undefined };
  });
}

const execute = promisify(execFile);

function run(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
) {
  return execute(file, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
}

async function pnpm(cwd: string, args: readonly string[]): Promise<string> {
  const { npm_execpath = "" } = process.env;
  // Set by pnpm when it runs a script, and then pnpm is on the PATH too.
  const [file, ...before] = basename(npm_execpath).startsWith("pnpm") ? ["pnpm"] : ["npx", "-y", "pnpm@12"];
  // Whoever runs the tests has installed what they need.
  const env = { ...process.env, pnpm_config_verify_deps_before_run: "false" };
  try {
    return (await run(file, [...before, ...args], { cwd, env })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`pnpm ${args.join(" ")} failed:\n${stdout ?? error}${stderr ?? ""}`);
  }
}
