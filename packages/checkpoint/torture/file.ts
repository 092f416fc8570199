// Two processes save under one key without end, sleep and are killed at random moments, and others take their place.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Random, Torture } from "@holdfast/testing/torture";
import { fileStore } from "../src/stores/file.ts";

const CHILD = join(import.meta.dirname, "../test/children/file-looper.ts");
const MOST_ROUNDS = 4;

export const torture: Torture = {
  name: "a file holds a version that was saved, and none that was acknowledged is lost or made twice",
  sample: 2,

  async run(random, { log }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
    const acknowledged = new Map<number, string>();
    let before = 0;
    try {
      for (let round = 0; round < random.int(1, MOST_ROUNDS); round++) {
        const names = [`${round}a`, `${round}b`];
        await Promise.all(names.map((name) => runAndKill(random, folder, name, acknowledged)));
        before = await check(folder, before, acknowledged);
        log(`round ${round}: version ${before} stands, ${acknowledged.size} acknowledged`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** Lives for a while after the first save, with a sleep on the way or not. */
async function runAndKill(
  random: Random,
  folder: string,
  name: string,
  acknowledged: Map<number, string>,
): Promise<void> {
  const bytes = String(random.pick([10, 1000, 200_000]));
  const [livesMs, sleepsMs] = [random.int(0, 150), random.chance(0.5) ? random.int(1, 100) : 0];
  const child = spawn(process.execPath, [CHILD, folder, name, bytes], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess["stdout"]> });
  let twice: number | undefined;
  lines.on("line", (line) => {
    if (acknowledged.has(Number(line))) twice = Number(line);
    acknowledged.set(Number(line), name);
  });
  await Promise.race([once(lines, "line"), closed]);
  await pause(livesMs);
  if (sleepsMs > 0) {
    child.kill("SIGSTOP");
    await pause(sleepsMs);
    child.kill("SIGCONT");
  }
  child.kill("SIGKILL");
  await closed;
  if (child.signalCode !== "SIGKILL") throw new Error(`${name} ended by itself, with ${child.exitCode}`);
  if (twice !== undefined) throw new Error(`version ${twice} was acknowledged twice`);
}

/** What stands now; and the lock, whoever died with it, is free at once. */
async function check(folder: string, before: number, acknowledged: ReadonlyMap<number, string>): Promise<number> {
  const store = fileStore({ folder, lockTimeout: 0 });
  const entry = await store.read("a");
  const [version, name] = entry?.data?.split(" ") ?? [];
  if (!entry || entry.version !== Number(version))
    throw new Error(`version ${entry?.version} has the data of ${version}`);
  const least = Math.max(before, ...acknowledged.keys());
  if (entry.version < least) throw new Error(`version ${entry.version} stands, though ${least} was there`);
  // The last one may have been killed before it could say so.
  const by = acknowledged.get(entry.version) ?? name;
  if (by !== name) throw new Error(`version ${version} was acknowledged to ${by}, and is ${name}'s`);
  const next = `${entry.version + 1} us `;
  if (!(await store.save("a", next, { savedAt: 1, ifVersion: entry.version })).ok) throw new Error("was refused");
  await store.close();
  const left = (await readdir(folder)).filter((file) => /tmp|lock/.test(file));
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  return entry.version + 1;
}
