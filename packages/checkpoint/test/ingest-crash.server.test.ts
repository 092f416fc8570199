import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runAndKill, runToEnd, serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CheckpointStore, createCheckpoints } from "../src/index.ts";
import { fileStore } from "../src/stores/file.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { countRows, countSqliteRows, makeCountingTable, makeSqliteTable } from "./counted-rows.ts";
import type { Place } from "./counted-source.ts";

const CHILD = join(import.meta.dirname, "children/ingest-steps.ts");
/** Node takes a while to start, the longer the busier the machine is. */
const CHILDREN = { timeout: 240_000 };
const SIZE = 2;

let pool: pg.Pool;
let folder: string;
beforeAll(async () => {
  pool = new pg.Pool({ connectionString: serverUrl("postgres"), max: 4 });
  folder = await mkdtemp(join(tmpdir(), "holdfast-ingest-"));
});
afterAll(async () => {
  await pool.end();
  await rm(folder, { recursive: true });
});

interface Target {
  readonly name: string;
  readonly at: string;
  readonly stream: string;
  readonly store: CheckpointStore;
}

/**
 * Runs one process after the other on one stream. Each is killed at another of the steps of its first two pages, and the next goes on; the last
 * one comes to the end. `check` is called after each, when it is dead, with how many rows are done according to the checkpoint.
 */
async function killAtEachStep(
  { name, at, stream, store }: Target,
  check: (done: number, killedAt: string) => Promise<void>,
): Promise<number> {
  const env = { NODE_COMPILE_CACHE: join(folder, "cache") };
  const rehearsal = await runToEnd(CHILD, { env, args: [name, at, `${stream}_rehearsal`, `${2 * SIZE}`, `${SIZE}`] });
  // A name that comes twice is of two records of one page, or of two statements.
  const steps = [...new Set(rehearsal.steps)];
  // Who comes to the release has done all pages, so nobody would be left to be killed at the other steps.
  const isLast = (step: string): boolean => step.includes("release");
  const total = 2 * SIZE * steps.length;
  const args = [name, at, stream, `${total}`, `${SIZE}`];
  const done = async () => (await createCheckpoints<number>({ store }).load(stream))?.value ?? 0;
  for (const step of [...steps.filter((step) => !isLast(step)), ...steps.filter(isLast)]) {
    await runAndKill(CHILD, { at: step, env, args });
    // A dead one's lease would be waited for. What it was committing, it has committed when this is done.
    const entry = await store.read(stream);
    if (entry?.holder != null) await store.release(stream, entry.fence);
    await check(await done(), step);
  }
  await runToEnd(CHILD, { env, args });
  expect(await done()).toBe(total);
  return total;
}

describe.concurrent("a runner that is killed at each step of a page, and begun again", () => {
  it("loses no row and doubles none in Postgres, where rows and cursor are one transaction", CHILDREN, async () => {
    const stream = `crash_${process.pid}`;
    const store = postgresStore({ client: pool, table: `${stream}_at` });
    for (const table of [stream, `${stream}_rehearsal`]) {
      await makeCountingTable(pool, table);
      await postgresStore({ client: pool, table: `${table}_at` }).ensureSchema();
    }
    const target = { name: "postgres", at: serverUrl("postgres"), stream, store };
    const total = await killAtEachStep(target, async (done, step) => {
      expect(await countRows(pool, stream), `killed at ${step}`).toEqual({ rows: done, twice: 0 });
    });
    expect(await countRows(pool, stream)).toEqual({ rows: total, twice: 0 });
  });

  it("loses no row and doubles none in SQLite, where they are one, too", CHILDREN, async () => {
    const at = await mkdtemp(join(folder, "sqlite-"));
    const database = new DatabaseSync(join(at, "database"));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000");
    makeSqliteTable(database);
    const target = { name: "sqlite", at, stream: "a", store: sqliteStore({ database }) };
    const total = await killAtEachStep(target, async (done, step) => {
      expect(countSqliteRows(database, "a"), `killed at ${step}`).toEqual({ rows: done, twice: 0 });
    });
    expect(countSqliteRows(database, "a")).toEqual({ rows: total, twice: 0 });
    database.close();
  });

  it("loses no line of a file, and doubles those that were written and not yet saved", CHILDREN, async () => {
    const at = await mkdtemp(join(folder, "lines-"));
    const store = fileStore({ folder: join(at, "checkpoints") });
    const places = async (): Promise<number[]> => {
      const lines = (await readFile(join(at, "lines"), "utf8")).trim().split("\n");
      const rows = lines.map((line) => JSON.parse(line) as Place);
      return rows.filter(({ stream }) => stream === "a").map(({ place }) => place);
    };
    const unsaved: number[] = [];
    const killedUnsaved: string[] = [];
    let before = 0;
    const total = await killAtEachStep({ name: "lines", at, stream: "a", store }, async (done, step) => {
      const there = await places();
      expect(
        [...Array(done).keys()].filter((place) => !there.includes(place)),
        `lost at ${step}`,
      ).toEqual([]);
      const ahead = there.slice(before).filter((place) => place >= done);
      if (ahead.length > 0) killedUnsaved.push(step);
      unsaved.push(...ahead);
      before = there.length;
    });
    expect(killedUnsaved).toEqual(
      ["page 1", "page 2"].flatMap((page) => [`${page}: after the write`, `${page}: before the save`]),
    );
    expect(unsaved).toHaveLength(killedUnsaved.length * SIZE);
    expect(sorted(await places())).toEqual(sorted([...Array(total).keys(), ...unsaved]));
    await store.close();
  });
});

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}
