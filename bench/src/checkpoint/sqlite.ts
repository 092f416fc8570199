// Saves into SQLite, beside the bare statement that keeps the same.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createCheckpoints } from "@holdfast/checkpoint";
import { sqliteStore } from "@holdfast/checkpoint/sqlite";
import type { Row } from "../harness.ts";
import { beside, roundsOneByOne } from "../rate-limiter/in-flight.ts";
import { rowOf } from "../rate-limiter/row.ts";
import { nextCursor } from "./value.ts";

const BARE = "the bare statement";

export async function sqliteRows(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  try {
    return [
      await row(join(folder, "full"), "FULL", { calls: 40, rounds: 61 }, 0.9),
      // Which waits for no disk: what is left is the price of the check, the envelope and the promise.
      await row(join(folder, "normal"), "NORMAL", { calls: 1000, rounds: 31 }),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function row(
  path: string,
  synchronous: string,
  rounds: { readonly calls: number; readonly rounds: number },
  atLeast?: number,
): Promise<Row> {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    const checkpoints = createCheckpoints({ store: sqliteStore({ database }) });
    database.exec(BARE_TABLE);
    const statement = database.prepare(UPSERT);
    const sides = {
      ours: () => checkpoints.save("stream", nextCursor()),
      [BARE]: async () => statement.get("stream", JSON.stringify(nextCursor()), Date.now()),
    };
    const comparison = beside(await roundsOneByOne(sides, rounds), "ours", [BARE]);
    const { version } = database.prepare("SELECT sqlite_version() AS version").get() as { version: string };
    const name = `node:sqlite, save, synchronous = ${synchronous}`;
    const goal = atLeast === undefined ? undefined : ({ of: "ratio", atLeast } as const);
    return rowOf(comparison, BARE, { name, unit: "saves/s", better: "higher", goal }, `of SQLite ${version}`);
  } finally {
    database.close();
  }
}

const BARE_TABLE = `
  CREATE TABLE bare (key TEXT PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL, saved_at INTEGER NOT NULL) WITHOUT ROWID`;

const UPSERT = `
  INSERT INTO bare (key, version, data, saved_at) VALUES (?1, 1, ?2, ?3)
  ON CONFLICT (key) DO UPDATE SET version = version + 1, data = excluded.data, saved_at = excluded.saved_at
  RETURNING version`;
