// Processes save under one key while it is leased to them, sleep for longer than their lease, go on as if nothing had been, and are killed.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startPostgres, startRedis } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import { createCheckpoints, type OldValue } from "../src/index.ts";
import type { ChainOrder, Link } from "../test/children/chain-writer.ts";
import { type Kind, openStore } from "../test/children/open-store.ts";
import { type Child, type Children, startChildren } from "./parts/children.ts";

const CHILD = join(import.meta.dirname, "../test/children/chain-writer.ts");
const TTL_MS = 100;
const RUN_MS = 2000;
/** On a machine that is busy with other things. */
const MOST_STANDSTILL_MS = 20_000;

interface Ground {
  readonly children: Children;
  readonly places: Readonly<Record<Kind, string>>;
}

const started = new AsyncDisposableStack();
let ground: Ground | undefined;
let runs = 0;

export const torture: Torture = {
  name: "no stale save lands, in any store, however long the holder of a lease sleeps",
  sample: 4,

  async setUp() {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
    started.defer(() => rm(folder, { recursive: true }));
    const postgres = started.use(await startPostgres());
    const redis = started.use(await startRedis());
    const children = startChildren(CHILD);
    started.defer(() => children.end());
    const places = {
      file: join(folder, "files"),
      sqlite: join(folder, "database"),
      postgres: postgres.url,
      redis: redis.url,
    };
    ground = { children, places };
  },

  tearDown: () => started.disposeAsync(),

  async run(random, { log, signal }) {
    if (!ground) throw new Error("there is no server");
    const kind = random.pick(Object.keys(ground.places) as Kind[]);
    const order = { kind, at: ground.places[kind], key: `run ${runs++}`, ttl: TTL_MS };
    log(JSON.stringify(order));
    const store = await openStore(kind, order.at);
    try {
      const saved = await disturbWriters(random, ground.children, order, signal);
      const versions = await createCheckpoints<Link>({ store }).versions(order.key);
      log(`${versions.length} versions, ${saved.length} of which were told of`);
      checkChain(versions.toReversed(), saved);
    } finally {
      await store.close();
    }
  },
};

/** What a writer has said that it saved. */
interface Saved {
  readonly version: number;
  readonly by: string;
}

async function disturbWriters(
  random: Random,
  children: Children,
  order: Omit<ChainOrder, "name">,
  signal: AbortSignal,
): Promise<readonly Saved[]> {
  const saved: Saved[] = [];
  const writers = new Map<string, Child>();
  let moved = Promise.withResolvers<void>();
  let names = 0;

  function start(): void {
    const by = `writer ${names++}`;
    const child = children.take();
    writers.set(by, child);
    child.order({ ...order, name: by } satisfies ChainOrder, (line) => {
      saved.push({ version: Number(line), by });
      moved.resolve();
    });
  }

  /** Resolves when somebody has saved, whoever it is. */
  async function goesOn(): Promise<void> {
    moved = Promise.withResolvers();
    const late = pause(MOST_STANDSTILL_MS, undefined, { ref: false }).then(() => {
      throw new Error(`nobody has saved for ${MOST_STANDSTILL_MS} ms`);
    });
    await Promise.race([moved.promise, late, ...[...writers.values()].map(({ failed }) => failed)]);
  }

  /** Of the one that saves, most of the time. */
  function pick(): string {
    const latest = saved.at(-1)?.by ?? "";
    return writers.has(latest) && random.chance(0.7) ? latest : random.pick([...writers.keys()]);
  }

  try {
    start();
    start();
    for (const end = performance.now() + RUN_MS; performance.now() < end; ) {
      await goesOn();
      await pause(random.int(0, 50));
      signal.throwIfAborted();
      const name = pick();
      const victim = writers.get(name) as Child;
      const sleepers = random.chance(0.2) ? [...writers.values()] : [victim];
      if (random.chance(0.8)) await Promise.all(sleepers.map((child) => child.sleep(random.int(1, 4 * TTL_MS))));
      if (random.chance(0.4)) {
        writers.delete(name);
        await victim.kill();
        start();
      }
    }
    await goesOn();
  } finally {
    await Promise.all([...writers.values()].map((child) => child.kill()));
  }
  return saved;
}

/** Each version was made of the one before, fences do not go back, and each is one holder's. */
function checkChain(versions: readonly OldValue<Link>[], saved: readonly Saved[]): void {
  const holders = new Map<number, string>();
  let fence = 0;
  for (const [index, { version, value }] of versions.entries()) {
    const link = `version ${version}, ${JSON.stringify(value)},`;
    if (version !== index + 1) throw new Error(`${link} stands where ${index + 1} should`);
    if (value.follows !== index || value.place !== index) throw new Error(`${link} was not made of the one before`);
    if (value.fence < fence) throw new Error(`${link} is of an earlier lease than the one before`);
    fence = value.fence;
    const holder = holders.get(fence) ?? value.by;
    if (holder !== value.by) throw new Error(`${link} is of a lease that is ${holder}'s`);
    holders.set(fence, holder);
  }
  for (const { version, by } of saved) {
    const standing = versions[version - 1]?.value.by;
    if (standing !== by) throw new Error(`${by} was told that version ${version} is its own, and it is ${standing}'s`);
  }
}
