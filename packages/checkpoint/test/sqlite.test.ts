import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { checkpointStoreContract } from "../src/testing.ts";

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "state.db");
}

function open(file: string, busyMs = 5000): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA busy_timeout = ${busyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`);
  return database;
}

async function newStore() {
  const file = newFile();
  const [one, two] = [open(file), open(file)];
  return {
    store: sqliteStore({ database: one }),
    other: sqliteStore({ database: two }),
    async close() {
      one.close();
      two.close();
    },
  };
}

describe("the store in SQLite", () => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) it(sentence, () => test(newStore));

  it("saves in the caller's transaction, with what is written there, or neither", async () => {
    const database = open(newFile());
    const store = sqliteStore({ database });
    database.exec("CREATE TABLE row (id INTEGER PRIMARY KEY)");
    for (const end of ["ROLLBACK", "COMMIT"]) {
      database.exec("BEGIN IMMEDIATE");
      database.exec("INSERT INTO row VALUES (1)");
      expect((await store.save("a", "1", { savedAt: 1, ifVersion: 0, keep: 3 })).ok).toBe(true);
      database.exec(end);
      const { n } = database.prepare("SELECT count(*) AS n FROM row").get() as { n: number };
      expect([n, (await store.read("a"))?.data]).toEqual(end === "COMMIT" ? [1, "1"] : [0, undefined]);
    }
  });

  it("says BUSY where another holds the database, and changes nothing", async () => {
    const file = newFile();
    const [holder, waiter] = [open(file), open(file, 0)];
    const store = sqliteStore({ database: waiter });
    await store.save("a", "1", { savedAt: 1 });
    holder.exec("BEGIN IMMEDIATE");
    for (const keep of [0, 2]) {
      await expect(store.save("a", "2", { savedAt: 2, keep })).rejects.toMatchObject({
        code: "BUSY",
        message: expect.stringContaining("busy_timeout"),
      });
    }
    holder.exec("COMMIT");
    expect(await store.read("a")).toMatchObject({ version: 1, data: "1" });
    expect((await store.save("a", "2", { savedAt: 2 })).ok).toBe(true);
  });

  it("outlives its process", async () => {
    const file = newFile();
    const first = open(file);
    await sqliteStore({ database: first }).save("a", "1", { savedAt: 1, keep: 1 });
    await sqliteStore({ database: first }).save("a", "2", { savedAt: 2, keep: 1 });
    first.close();
    const store = sqliteStore({ database: open(file) });
    expect((await store.versions("a")).map(({ data }) => data)).toEqual(["2", "1"]);
  });

  it("is refused a table's name that is none, and the table of a later version", () => {
    const database = open(newFile());
    for (const table of ["", 'a"b', "1a", "a b"]) {
      expect(() => sqliteStore({ database, table })).toThrow(/can't be used/);
    }
    sqliteStore({ database });
    database.exec("UPDATE checkpoint_layout SET layout = 2");
    expect(() => sqliteStore({ database })).toThrow(/later version/);
  });
});
