// Rows in a table of SQLite, and the cursor in the same transaction where the checkpoints stand in the same database.

import { CheckpointError } from "../../errors.ts";
import type { SqliteDatabase, SqliteStore, SqliteValue } from "../../stores/sqlite.ts";
import { together } from "../../stores/sqlite-savepoint.ts";
import type { Sink } from "../contract.ts";

export interface SqliteSinkOptions<Row> {
  /** A connection of node:sqlite or better-sqlite3; the store's, where that is given. */
  readonly database: SqliteDatabase;
  /** The table, which is there already. Up to 50 letters, digits and underscores. */
  readonly table: string;
  readonly columns: readonly [string, ...string[]];
  /** Columns with a unique index or primary key. A row whose key is there takes the place of what is. */
  readonly key: readonly [string, ...string[]];
  /** Values by column. Default: the row's own properties. */
  readonly values?: ((row: Row) => Readonly<Record<string, unknown>>) | undefined;
  /** The store that the checkpoints are made over, on the same connection. Where given, rows and cursor are committed together, or not at all. */
  readonly store?: Pick<SqliteStore, "withWrites"> | undefined;
}

/**
 * Booleans are kept as 0 and 1, dates as ISO 8601, lists and objects as JSON. All of a batch is written in one turn of the event loop, so that nothing else
 * on the connection comes between.
 *
 * @throws CheckpointError `INVALID_OPTION`; `SINK_FAILED`: there is no such table, or not with these columns
 */
export function sqliteSink<Row>(options: SqliteSinkOptions<Row>): Sink<Row> {
  const { database, columns, store, values = (row: Row) => row as Readonly<Record<string, unknown>> } = options;
  const sql = upsertSql(options);
  const upsert = orFail(() => database.prepare(sql));
  const put = (rows: readonly Row[]): void =>
    orFail(() => {
      for (const row of rows) {
        const byColumn = values(row);
        upsert.run(...columns.map((column) => toSqlite(byColumn[column])));
      }
    });
  return {
    async write(rows, { save }) {
      let isWritten = false;
      // Of dead letters there is nothing to save.
      if (store) {
        await save(
          store.withWrites(() => {
            put(rows);
            isWritten = true;
          }),
        );
      }
      if (!isWritten) together(database, () => put(rows));
    },
  };
}

function upsertSql<Row>({ table, columns, key }: SqliteSinkOptions<Row>): string {
  const names = columns.map(quoted);
  const keys = key.map(quoted);
  const missing = key.filter((column) => !columns.includes(column));
  if (keys.length === 0 || missing.length > 0) {
    throw new CheckpointError(
      "INVALID_OPTION",
      `key names ${missing.join(", ") || "nothing"}; give columns of columns`,
    );
  }
  const updates = names.filter((name) => !keys.includes(name)).map((name) => `${name} = excluded.${name}`);
  return `
INSERT INTO ${quoted(table)} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
ON CONFLICT (${keys.join(", ")}) DO ${updates.length > 0 ? `UPDATE SET ${updates.join(", ")}` : "NOTHING"}`;
}

function quoted(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(name)) return `"${name}"`;
  throw new CheckpointError(
    "INVALID_OPTION",
    `${JSON.stringify(name.slice(0, 64))} can't be used as a name; give it up to 50 letters, digits and underscores, no digit first`,
  );
}

function toSqlite(value: unknown): SqliteValue {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return value;
  if (value instanceof Uint8Array) return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}

function orFail<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new CheckpointError("SINK_FAILED", `SQLite did not take the rows: ${(cause as Error).message}`, { cause });
  }
}
