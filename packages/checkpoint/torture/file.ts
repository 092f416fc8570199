// Two processes save under one key without end, sleep and are killed at random moments, and others take their place.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Random, Torture } from "@holdfast/testing/torture";
import { fileStore } from "../src/stores/file.ts";
import type { LoopOrder } from "../test/children/file-looper.ts";
import { type Child, type Children, startChildren } from "./parts/children.ts";

const CHILD = join(import.meta.dirname, "../test/children/file-looper.ts");
const MOST_ROUNDS = 4;

let children: Children | undefined;

export const torture: Torture = {
  name: "a file holds a version that was saved, and none that was acknowledged is lost or made twice",
  sample: 2,

  async setUp() {
    children = startChildren(CHILD);
  },

  async tearDown() {
    await children?.end();
  },

  async run(random, { log }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
    const acknowledged = new Map<number, string>();
    let before = 0;
    try {
      for (let round = 0; round < random.int(1, MOST_ROUNDS); round++) {
        const names = [`${round}a`, `${round}b`];
        await Promise.all(names.map((name) => runAndKill(random, take(), { folder, name }, acknowledged)));
        before = await check(folder, before, acknowledged);
        log(`round ${round}: version ${before} stands, ${acknowledged.size} acknowledged`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

function take(): Child {
  if (!children) throw new Error("there are no children");
  return children.take();
}

/** Lives for a while after the first save, with a sleep on the way or not. */
async function runAndKill(
  random: Random,
  child: Child,
  order: Omit<LoopOrder, "bytes">,
  acknowledged: Map<number, string>,
): Promise<void> {
  const bytes = random.pick([10, 1000, 200_000]);
  const [livesMs, sleepsMs] = [random.int(0, 150), random.chance(0.5) ? random.int(1, 100) : 0];
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  let twice: number | undefined;
  child.order({ ...order, bytes } satisfies LoopOrder, (line) => {
    if (acknowledged.has(Number(line))) twice = Number(line);
    acknowledged.set(Number(line), order.name);
    begin();
  });
  await Promise.race([begun, child.failed]);
  await pause(livesMs);
  if (sleepsMs > 0) await child.sleep(sleepsMs);
  await child.kill();
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
