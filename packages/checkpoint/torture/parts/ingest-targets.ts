// Where a stream of the torture goes: a table with rows and cursor in one transaction, or a file with the cursor in another.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startPostgres } from "@holdfast/testing";
import pg from "pg";
import type { CheckpointStore } from "../../src/checkpoint-store.ts";
import { fileStore } from "../../src/stores/file.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import type { IngestOrder } from "../../test/children/ingest-rows.ts";
import { COUNTS, countSqliteRows, makeCountingTable, makeSqliteTable } from "../../test/counted-rows.ts";
import type { Place } from "../../test/counted-source.ts";

/** All of it at one moment, whoever goes on. */
export interface There {
  /** How many rows are done, according to the checkpoint. */
  readonly cursor: number;
  readonly rows: number;
  /** How often a row was written that was there. */
  readonly again: number;
  /** How many of those that the cursor stands for. */
  readonly missing: number;
}

export interface Target extends AsyncDisposable {
  readonly to: IngestOrder["to"];
  count(): Promise<There>;
  /** Takes the lease from whoever has it. */
  unlock(): Promise<void>;
}

export interface PostgresTargets {
  inPostgres(stream: string): Target;
  stop(): Promise<void>;
}

const TABLE = "torture";

export async function startPostgresTargets(): Promise<PostgresTargets> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url, max: 2, statement_timeout: 30_000 });
  // Of a connection that is still closing when the server ends.
  pool.on("error", () => {});
  const store = postgresStore({ client: pool, table: `${TABLE}_at` });
  await makeCountingTable(pool, TABLE);
  await store.ensureSchema();
  return {
    inPostgres: (stream) => ({
      to: { url: server.url, table: TABLE },
      async count() {
        const { rows: found } = await pool.query(
          `SELECT ${COUNTS}, (SELECT data FROM ${TABLE}_at WHERE key = $2) AS data FROM ${TABLE} WHERE stream = $1`,
          [stream, Buffer.from(stream)],
        );
        const { rows, twice, data } = found[0];
        const cursor = cursorOf(data);
        return { cursor, rows, again: twice, missing: Math.max(0, cursor - rows) };
      },
      unlock: () => unlock(store, stream),
      [Symbol.asyncDispose]: async () => {},
    }),
    async stop() {
      await pool.end();
      await server.stop();
    },
  };
}

export async function inSqlite(stream: string): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
  const file = join(folder, "database");
  const database = new DatabaseSync(file);
  database.exec("PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL");
  makeSqliteTable(database);
  const store = sqliteStore({ database });
  return {
    to: { file },
    async count() {
      database.exec("BEGIN");
      const { rows, twice } = countSqliteRows(database, stream);
      const cursor = cursorOf((await store.read(stream))?.data);
      database.exec("COMMIT");
      return { cursor, rows, again: twice, missing: Math.max(0, cursor - rows) };
    },
    unlock: () => unlock(store, stream),
    async [Symbol.asyncDispose]() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** @param ids whether the sink looks at the last lines, so as not to write one twice */
export async function inFolder(stream: string, ids: boolean): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
  const store = fileStore({ folder: join(folder, "checkpoints") });
  return {
    to: { folder, ids },
    async count() {
      const cursor = cursorOf((await store.read(stream))?.data);
      const text = await readFile(join(folder, "lines"), "utf8").catch(() => "");
      // What comes after the last newline may be torn.
      const lines = text.split("\n").slice(0, -1);
      const places = new Set(lines.map((line) => (JSON.parse(line) as Place).place));
      const missing = Array.from({ length: cursor }, (_, place) => place).filter((place) => !places.has(place));
      return { cursor, rows: places.size, again: lines.length - places.size, missing: missing.length };
    },
    unlock: () => unlock(store, stream),
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Of a value as it is stored. */
function cursorOf(data: string | null | undefined): number {
  return data == null ? 0 : (JSON.parse(data) as { readonly value: number }).value;
}

async function unlock(store: CheckpointStore, stream: string): Promise<void> {
  const entry = await store.read(stream);
  if (entry?.holder != null) await store.release(stream, entry.fence);
}
