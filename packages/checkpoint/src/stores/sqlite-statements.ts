// The tables of the store in SQLite, and its statements.

import { CheckpointError } from "../errors.ts";

/** What is used of `DatabaseSync` of node:sqlite, and of better-sqlite3's `Database`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

export interface SqliteStatement {
  run(...parameters: SqliteValue[]): unknown;
  all(...parameters: SqliteValue[]): unknown[];
  /** Of node:sqlite, which makes an array in much less time than an object. */
  setReturnArrays?(enabled: boolean): void;
}

export type SqliteValue = string | number | bigint | null | Uint8Array;

/** Goes up with every change of the tables. */
const LAYOUT = 1;

/** Makes them where they are missing. @throws CheckpointError `STORE_UNFIT`: they are of a later version */
export function ensureTables(database: SqliteDatabase, table: string): void {
  database.exec(`
CREATE TABLE IF NOT EXISTS "${table}_layout" (layout INTEGER NOT NULL);
INSERT INTO "${table}_layout" SELECT ${LAYOUT} WHERE NOT EXISTS (SELECT 1 FROM "${table}_layout");
CREATE TABLE IF NOT EXISTS "${table}" (
  -- UTF-8. Bytes, which have one order, and may hold a NUL.
  key BLOB PRIMARY KEY,
  version INTEGER NOT NULL,
  data TEXT,
  saved_at INTEGER NOT NULL,
  note TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  holder TEXT,
  beat INTEGER NOT NULL DEFAULT 0,
  -- How many earlier versions count.
  kept INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "${table}_version" (
  key BLOB NOT NULL,
  version INTEGER NOT NULL,
  data TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  note TEXT,
  PRIMARY KEY (key, version)
) WITHOUT ROWID;`);
  const { layout } = one(database.prepare(`SELECT max(layout) AS layout FROM "${table}_layout"`)) as { layout: number };
  if (Number(layout) > LAYOUT) {
    throw new CheckpointError(
      "STORE_UNFIT",
      `the table ${table} has layout ${layout}, made by a later version of this package, which reads ${LAYOUT}; update it`,
    );
  }
}

export type Statements = Readonly<
  Record<
    | "read"
    | "update"
    | "insert"
    | "keep"
    | "prune"
    | "delete"
    | "forget"
    | "grantFirst"
    | "grant"
    | "renew"
    | "release"
    | "list"
    | "standing"
    | "versions",
    SqliteStatement
  >
>;

export function prepare(database: SqliteDatabase, table: string): Statements {
  const lease = "version, fence, holder, beat";
  const columns = `key, data, saved_at, ${lease}`;
  const holds = (ifVersion: string, fence: string): string =>
    `(${ifVersion} IS NULL OR CASE WHEN ${ifVersion} = 0 THEN data IS NULL ELSE data IS NOT NULL AND version = ${ifVersion} END)
     AND (${fence} IS NULL OR fence = ${fence})`;
  const prepareForArrays = (sql: string): SqliteStatement => {
    const statement = database.prepare(sql);
    statement.setReturnArrays?.(true);
    return statement;
  };
  return {
    read: database.prepare(`SELECT ${columns} FROM "${table}" WHERE key = ?1`),
    // key, data, savedAt, note, ifVersion, fence, keep
    update: prepareForArrays(`
UPDATE "${table}" SET version = version + 1, data = ?2, saved_at = ?3, note = ?4, kept = ?7
 WHERE key = ?1 AND ${holds("?5", "?6")}
RETURNING ${lease}`),
    insert: prepareForArrays(`
INSERT INTO "${table}" (key, version, data, saved_at, note, kept)
SELECT ?1, 1, ?2, ?3, ?4, ?7 WHERE coalesce(?5, 0) = 0 AND ?6 IS NULL
ON CONFLICT DO NOTHING
RETURNING ${lease}`),
    // What the update will replace, if it will. key, ifVersion, fence
    keep: database.prepare(`
INSERT INTO "${table}_version" (key, version, data, saved_at, note)
SELECT key, version, data, saved_at, note FROM "${table}" WHERE key = ?1 AND data IS NOT NULL AND ${holds("?2", "?3")}`),
    prune: database.prepare(`
DELETE FROM "${table}_version" WHERE key = ?1 AND version < (SELECT version - kept FROM "${table}" WHERE key = ?1)`),
    delete: database.prepare(`
UPDATE "${table}" SET version = version + 1, data = NULL, note = NULL, kept = 0
 WHERE key = ?1 AND data IS NOT NULL AND ${holds("?2", "?3")}
RETURNING ${columns}`),
    forget: database.prepare(`DELETE FROM "${table}_version" WHERE key = ?1`),
    grantFirst: database.prepare(`
INSERT INTO "${table}" (key, version, saved_at, fence, holder, beat) VALUES (?1, 0, 0, 1, ?2, 1)
ON CONFLICT DO NOTHING
RETURNING ${columns}`),
    grant: database.prepare(`
UPDATE "${table}" SET fence = fence + 1, holder = ?2, beat = beat + 1
 WHERE key = ?1 AND fence = ?3 AND beat = ?4
RETURNING ${columns}`),
    renew: database.prepare(`
UPDATE "${table}" SET beat = beat + 1 WHERE key = ?1 AND fence = ?2 AND holder IS NOT NULL RETURNING ${columns}`),
    release: database.prepare(`
UPDATE "${table}" SET beat = beat + 1, holder = NULL WHERE key = ?1 AND fence = ?2 AND holder IS NOT NULL
RETURNING ${columns}`),
    list: database.prepare(`
SELECT key, version, saved_at FROM "${table}"
 WHERE key >= ?1 AND substr(key, 1, ?2) = ?1 AND data IS NOT NULL AND (?3 IS NULL OR key > ?3)
 ORDER BY key LIMIT ?4`),
    standing: database.prepare(
      `SELECT version, data, saved_at, note FROM "${table}" WHERE key = ?1 AND data IS NOT NULL`,
    ),
    versions: database.prepare(`
SELECT v.version, v.data, v.saved_at, v.note
  FROM "${table}_version" AS v JOIN "${table}" AS c ON c.key = v.key
 WHERE v.key = ?1 AND v.version >= c.version - c.kept
 ORDER BY v.version DESC`),
  };
}

/**
 * The row that a statement gives, if it gives one. Not by `get`, which leaves it after its first row: what a statement without a transaction
 * has changed is committed at its end, and of a commit that fails there, as on a full disk, node:sqlite would not tell.
 */
export function one(statement: SqliteStatement, ...parameters: SqliteValue[]): unknown {
  return statement.all(...parameters)[0];
}
