// Ingests counted streams as it is told to. Says "begun" whenever it has the lease, how many rows are written and their cursor saved, page by
// page, and "done".

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { type CheckpointError, type CheckpointStore, createCheckpoints } from "../../src/index.ts";
import { ingest, openJsonLines, postgresSink, sqliteSink, type Write } from "../../src/ingest.ts";
import { fileStore } from "../../src/stores/file.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { COLUMN_NAMES, COLUMNS, KEY } from "../counted-rows.ts";
import { type CountedStream, countedSource, type Place, placeSchema } from "../counted-source.ts";
import { orders, say } from "./orders.ts";

export interface IngestOrder extends CountedStream {
  /** Rows and checkpoints in one database, or lines and checkpoints in one folder. */
  readonly to: InPostgres | InSqlite | InFolder;
  readonly pagesPerBatch: number;
  readonly ttl: number;
}

interface InPostgres {
  readonly url: string;
  readonly table: string;
}

interface InSqlite {
  readonly file: string;
}

interface InFolder {
  readonly folder: string;
  /** Whether the sink looks at the last lines, so as not to write one twice. */
  readonly ids: boolean;
}

const pools = new Map<string, pg.Pool>();

for await (const order of orders<IngestOrder>()) {
  while (!(await isIngested(order)));
  say("done");
}

async function isIngested(order: IngestOrder): Promise<boolean> {
  const { store, sink, close } = await open(order.to);
  const source = countedSource(order);
  let before = 0;
  try {
    await ingest({
      key: order.stream,
      checkpoints: createCheckpoints<number>({ store }),
      source: {
        pages(cursor, call) {
          before = cursor ?? 0;
          return source.pages(cursor, call);
        },
      },
      schema: placeSchema,
      sink,
      pagesPerBatch: order.pagesPerBatch,
      lease: { ttl: order.ttl },
      on: {
        started: () => say("begun"),
        batch: ({ total: { processed } }) => say(`${before + processed}`),
      },
    });
    return true;
  } catch (error) {
    // It has slept, or the machine was busy, for longer than its lease.
    if (["LEASE_LOST", "STALE_LEASE"].includes((error as CheckpointError).code)) return false;
    throw error;
  } finally {
    await close();
  }
}

interface Target {
  readonly store: CheckpointStore;
  readonly sink: Write<Place>;
  close(): Promise<void>;
}

async function open(to: IngestOrder["to"]): Promise<Target> {
  if ("folder" in to) return await toFolder(to);
  return "file" in to ? toSqlite(to) : toPostgres(to);
}

function toPostgres({ url, table }: InPostgres): Target {
  const pool = pools.get(url) ?? new pg.Pool({ connectionString: url, max: 3 });
  pools.set(url, pool);
  const store = postgresStore({ client: pool, table: `${table}_at` });
  const { write } = postgresSink<Place>({ pool, store, table, columns: COLUMNS, key: KEY });
  return { store, sink: write, close: async () => {} };
}

function toSqlite({ file }: InSqlite): Target {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  const store = sqliteStore({ database });
  const { write } = sqliteSink<Place>({ database, store, table: "rows", columns: COLUMN_NAMES, key: KEY });
  return { store, sink: write, close: async () => database.close() };
}

async function toFolder({ folder, ids }: InFolder): Promise<Target> {
  const store = fileStore({ folder: join(folder, "checkpoints") });
  const lines = await openJsonLines<Place>(join(folder, "lines"), ids ? { id: ({ place }) => `${place}` } : {});
  return {
    store,
    sink: lines.write,
    async close() {
      await store.close();
      await lines.close();
    },
  };
}
