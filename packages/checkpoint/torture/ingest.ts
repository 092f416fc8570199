// Processes ingest a stream, are killed and put to sleep at random moments, and others go on, until all is there.

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { unlessAborted } from "@holdfast/core";
import type { Random, Torture } from "@holdfast/testing/torture";
import type { IngestOrder } from "../test/children/ingest-rows.ts";
import { type Child, type Children, startChildren } from "./parts/children.ts";
import {
  inFolder,
  inSqlite,
  type PostgresTargets,
  startPostgresTargets,
  type Target,
  type There,
} from "./parts/ingest-targets.ts";

const CHILD = join(import.meta.dirname, "../test/children/ingest-rows.ts");
const TTL_MS = 100;
const MOST_FAULTS = 4;

let targets: PostgresTargets | undefined;
let children: Children | undefined;
let runs = 0;

export const torture: Torture = {
  name: "a stream loses no row, and doubles none where rows and cursor are one transaction, whoever is killed or sleeps on the way",
  sample: 8,

  async setUp() {
    targets = await startPostgresTargets();
    children = startChildren(CHILD);
  },

  async tearDown() {
    await children?.end();
    await targets?.stop();
  },

  async run(random, { log, signal }) {
    if (!children || !targets) throw new Error("there is no server");
    const stream = `run ${runs++}`;
    const kind = random.pick(["postgres", "postgres", "sqlite", "folder"]);
    await using target = await targetOf(kind, stream, random);
    const [total, size, pagesPerBatch] = [random.int(1, 400), random.int(1, 40), random.int(1, 3)];
    const order: IngestOrder = { stream, to: target.to, total, size, pagesPerBatch, ttl: TTL_MS };
    log(JSON.stringify(order));
    // Lines have one writer.
    const workers = kind === "folder" ? 1 : random.int(1, 2);
    const fleet = startFleet(children, order, workers, signal);
    signal.addEventListener("abort", () => log(fleet.state()));
    try {
      for (let faults = random.int(1, MOST_FAULTS); faults > 0 && !fleet.isDone(); faults--) {
        await disturb(fleet, random, log);
        signal.throwIfAborted();
        const said = fleet.saved();
        const there = await target.count();
        log(`${said} said to be saved: ${JSON.stringify(there)}`);
        check(there, said, order, fleet.begins());
        // As an operator does who will not wait for a dead one's lease.
        if (workers === 1 && random.chance(0.7)) {
          log("unlocking");
          await target.unlock();
        }
        log("replacing who is dead");
        fleet.replace();
      }
      log("waiting for the end");
      await fleet.finish();
      const there = await target.count();
      check(there, total, order, fleet.begins());
      if (there.rows !== total) throw new Error(`${there.rows} rows of ${total} are there`);
    } finally {
      await fleet.end();
    }
  },
};

async function targetOf(kind: string, stream: string, random: Random): Promise<Target> {
  if (kind === "folder") return await inFolder(stream, random.chance(0.5));
  return kind === "sqlite" ? await inSqlite(stream) : (targets as PostgresTargets).inPostgres(stream);
}

/** Waits until somebody says something, or not, and for a while; puts one to sleep, or not; and kills it, most of the time. */
async function disturb(fleet: Fleet, random: Random, log: (message: string) => void): Promise<void> {
  const [livesMs, livesOnMs] = [random.int(0, 40), random.int(0, 40)];
  const sleepsMs = random.chance(0.3) ? random.int(1, 3 * TTL_MS) : 0;
  const dies = sleepsMs === 0 || random.chance(0.5);
  if (random.chance(0.8)) await fleet.hears();
  await pause(livesMs);
  if (fleet.isDone()) return;
  log(`sleep ${sleepsMs} ms${dies ? ", and death" : ""}`);
  const victim = random.pick(fleet.working());
  if (sleepsMs > 0) {
    await victim.sleep(sleepsMs);
    await pause(livesOnMs);
  }
  if (dies) await fleet.kill(victim);
}

function check(there: There, said: number, { to, size, pagesPerBatch }: IngestOrder, begins: number): void {
  const { cursor, rows, again, missing } = there;
  if (missing > 0) throw new Error(`of ${cursor} rows that are saved, ${missing} are missing`);
  if (cursor < said) throw new Error(`${said} rows were said to be saved, and ${cursor} are`);
  // Without ids, lines have twice what was written and not saved.
  const mayBe = "folder" in to && !to.ids ? begins * size * pagesPerBatch : 0;
  if (again > mayBe) throw new Error(`${again} rows were written again, of ${mayBe} that may be`);
  if (!("folder" in to) && rows !== cursor) throw new Error(`${rows} rows are there, and ${cursor} are saved`);
}

/** Processes that share a stream. */
interface Fleet {
  working(): readonly Child[];
  /** Resolves when one of them says something; at once where none works any more. Rejects when the run has taken too long. */
  hears(): Promise<void>;
  /** Unless it has done its work. */
  kill(child: Child): Promise<void>;
  /** Puts new ones in the place of those who were killed. */
  replace(): void;
  /** Resolves when all have done their work. */
  finish(): Promise<void>;
  end(): Promise<void>;
  /** How many rows, according to whoever saved them. */
  saved(): number;
  /** How often one has begun, anew or not. */
  begins(): number;
  isDone(): boolean;
  /** For the log of what takes too long. */
  state(): string;
}

function startFleet(children: Children, order: IngestOrder, workers: number, signal: AbortSignal): Fleet {
  const working = new Set<Child>();
  let heard = Promise.withResolvers<void>();
  let saved = 0;
  let begins = 0;
  let isDone = false;

  function start(): void {
    const child = children.take();
    working.add(child);
    child.order(order, (line) => {
      if (line === "begun") begins++;
      else if (line === "done") {
        // One that is killed may have said so before, unheard.
        if (working.delete(child)) children.giveBack(child);
        isDone = true;
      } else saved = Math.max(saved, Number(line));
      heard.resolve();
    });
  }

  const fleet: Fleet = {
    working: () => [...working],
    async hears() {
      if (working.size === 0) return;
      heard = Promise.withResolvers();
      await unlessAborted(Promise.race([heard.promise, ...fleet.working().map(({ failed }) => failed)]), signal);
    },
    async kill(child) {
      if (working.delete(child)) await child.kill();
    },
    replace() {
      while (!isDone && working.size < workers) start();
    },
    async finish() {
      while (working.size > 0) await fleet.hears();
    },
    async end() {
      await Promise.all(fleet.working().map(fleet.kill));
    },
    saved: () => saved,
    begins: () => begins,
    isDone: () => isDone,
    state: () =>
      [`${saved} saved, begun ${begins} times`, ...fleet.working().map((child) => child.state())].join("\n  "),
  };
  fleet.replace();
  return fleet;
}
