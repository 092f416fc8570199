// Ingests a counted stream, and stands still at each step of each page, so that a test can kill it there.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { step } from "@holdfast/testing/step";
import pg from "pg";
import { type CheckpointStore, createCheckpoints } from "../../src/index.ts";
import {
  ingest,
  openJsonLines,
  type PostgresConnection,
  postgresSink,
  type Sink,
  sqliteSink,
  type Write,
} from "../../src/ingest.ts";
import { fileStore } from "../../src/stores/file.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { type SqliteDatabase, sqliteStore } from "../../src/stores/sqlite.ts";
import { COLUMN_NAMES, COLUMNS, KEY } from "../counted-rows.ts";
import { countedSource, type Place, placeSchema } from "../counted-source.ts";

const [target = "", at = "", stream = "", total = "", size = ""] = process.argv.slice(2);

/** Of this process, from 1. */
let page = 0;
const pageStep = (name: string): void => step(`page ${page}: ${name}`);

const targets: Readonly<Record<string, () => Promise<{ store: CheckpointStore; sink: Sink<Place> | Write<Place> }>>> = {
  async postgres() {
    const pool = new pg.Pool({ connectionString: at, max: 2, allowExitOnIdle: true });
    const store = postgresStore({ client: pool, table: `${stream}_at` });
    const stepping = { connect: async () => steppingConnection(await pool.connect()) };
    return { store, sink: postgresSink<Place>({ pool: stepping, store, table: stream, columns: COLUMNS, key: KEY }) };
  },

  async sqlite() {
    const database = new DatabaseSync(join(at, "database"));
    database.exec("PRAGMA journal_mode = WAL");
    const stepping = steppingDatabase(database);
    const store = sqliteStore({ database });
    const stepped = sqliteStore({ database: stepping });
    const table = { table: "rows", columns: COLUMN_NAMES, key: KEY };
    return { store, sink: sqliteSink<Place>({ database: stepping, store: stepped, ...table }) };
  },

  async lines() {
    const { write } = await openJsonLines(join(at, "lines"));
    return {
      store: fileStore({ folder: join(at, "checkpoints") }),
      async sink(rows, call) {
        pageStep("before the write");
        await write(rows, call);
        pageStep("after the write");
      },
    };
  },
};

/** Each statement by its first word: the sink inserts, and the store saves by an update. */
function steppingConnection(connection: pg.PoolClient): PostgresConnection {
  return {
    release: (error) => connection.release(error),
    async query(text, values) {
      const [verb] = /\w+/.exec(text) ?? [];
      pageStep(`before ${verb}`);
      const answer = connection.query(text, values);
      // The socket has it.
      if (verb === "COMMIT") pageStep("COMMIT is under way");
      const result = await answer;
      pageStep(`after ${verb}`);
      return result;
    },
  };
}

function steppingDatabase(database: DatabaseSync): SqliteDatabase {
  const stepped = <T>(text: string, act: () => T): T => {
    const [verb] = /\w+/.exec(text) ?? [];
    pageStep(`before ${verb}`);
    const result = act();
    pageStep(`after ${verb}`);
    return result;
  };
  return {
    exec: (sql) => stepped(sql, () => database.exec(sql)),
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        run: (...parameters) => stepped(sql, () => statement.run(...parameters)),
        all: (...parameters) => stepped(sql, () => statement.all(...parameters)),
      };
    },
  };
}

/** Outside of the sink's transaction. Who leases and releases has no page. */
function steppingStore(store: CheckpointStore): CheckpointStore {
  const stepped = async <T>(at: (name: string) => void, name: string, act: () => Promise<T>): Promise<T> => {
    at(`before ${name}`);
    const result = await act();
    at(`after ${name}`);
    return result;
  };
  return {
    ...store,
    grant: (...args) => stepped(step, "the grant", () => store.grant(...args)),
    release: (...args) => stepped(step, "the release", () => store.release(...args)),
    save: (...args) => stepped(pageStep, "the save", () => store.save(...args)),
  };
}

const { store, sink } = (await targets[target]?.()) ?? {};
if (!store || !sink) throw new Error(`there is no target ${target}`);
await ingest({
  key: stream,
  checkpoints: createCheckpoints<number>({ store: steppingStore(store) }),
  source: countedSource({ stream, total: Number(total), size: Number(size) }, (what) => {
    if (what === "asked for") page++;
    pageStep(what);
  }),
  schema: {
    "~standard": {
      ...placeSchema["~standard"],
      validate(value) {
        pageStep("a record is checked");
        return placeSchema["~standard"].validate(value);
      },
    },
  },
  sink,
  on: { batch: () => pageStep("done") },
});
await store.close();
