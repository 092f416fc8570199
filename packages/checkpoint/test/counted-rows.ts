// Tables of Postgres and SQLite that count how often each of their rows was written, so that one that is written twice is seen.

import type { DatabaseSync } from "node:sqlite";
import type { PostgresClient } from "../src/stores/postgres.ts";
import type { Place } from "./counted-source.ts";

/** For any number of streams, each with its places from 0. */
export async function makeCountingTable(client: PostgresClient, table: string): Promise<void> {
  await client.query(`
    CREATE TABLE ${table} (stream text, place int, body text, writes int DEFAULT 1, PRIMARY KEY (stream, place));
    CREATE FUNCTION ${table}_write() RETURNS trigger AS 'BEGIN NEW.writes = OLD.writes + 1; RETURN NEW; END' LANGUAGE plpgsql;
    CREATE TRIGGER write BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_write()`);
}

/** For the sink. Not all of it is the key: else a row that is there would be left alone. */
export const COLUMNS: Readonly<Record<keyof Place, string>> = { stream: "text", place: "int", body: "text" };
export const COLUMN_NAMES: readonly ["stream", "place", "body"] = ["stream", "place", "body"];
export const KEY: readonly ["stream", "place"] = ["stream", "place"];

export interface RowCount {
  readonly rows: number;
  /** How many were written twice, or more often. */
  readonly twice: number;
}

/** For a SELECT in Postgres. */
export const COUNTS = "count(*)::int AS rows, count(*) FILTER (WHERE writes > 1)::int AS twice";

export async function countRows(client: PostgresClient, table: string): Promise<RowCount> {
  const { rows } = await client.query(`SELECT ${COUNTS} FROM ${table}`);
  return rows[0] as RowCount;
}

/** Its name is `rows`. */
export function makeSqliteTable(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE rows (stream TEXT, place INTEGER, body TEXT, writes INTEGER DEFAULT 1, PRIMARY KEY (stream, place));
    CREATE TRIGGER write AFTER UPDATE OF body ON rows
      BEGIN UPDATE rows SET writes = writes + 1 WHERE stream = new.stream AND place = new.place; END`);
}

export function countSqliteRows(database: DatabaseSync, stream: string): RowCount {
  const counts = "count(*) AS rows, count(*) FILTER (WHERE writes > 1) AS twice";
  const found = database.prepare(`SELECT ${counts} FROM rows WHERE stream = ?`).get(stream) as unknown as RowCount;
  return { rows: found.rows, twice: found.twice };
}
