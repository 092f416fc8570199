// better-sqlite3 is compiled on installation, for which not every machine has what it takes. So its types are tried, and its
// documented rules, on which node:sqlite is laxer, are held up over node:sqlite.

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type BetterSqlite3 from "better-sqlite3";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type SqliteDatabase, sqliteStore } from "../src/stores/sqlite.ts";
import { checkpointStoreContract } from "../src/testing.ts";

/** https://github.com/WiseLibs/better-sqlite3/blob/master/docs/api.md: `run` is for statements without rows, `all` for those with. */
function likeBetterSqlite3(database: DatabaseSync): SqliteDatabase {
  return {
    exec: (sql) => asTheirs(() => database.exec(sql)),
    prepare(sql) {
      const statement = asTheirs(() => database.prepare(sql));
      const hasRows = statement.columns().length > 0;
      return {
        run(...parameters) {
          if (hasRows) throw new TypeError("This statement returns data. Use get(), all(), or iterate() instead");
          return asTheirs(() => statement.run(...(parameters as Parameters<StatementSync["run"]>)));
        },
        all(...parameters) {
          if (!hasRows) throw new TypeError("This statement does not return data. Use run() instead");
          return asTheirs(() => statement.all(...(parameters as Parameters<StatementSync["run"]>)));
        },
      };
    },
  };
}

/** Its errors have SQLite's names as their codes, and no number. */
function asTheirs<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string };
    throw Object.assign(new Error(message), { code: errcode === 5 ? "SQLITE_BUSY" : "SQLITE_ERROR" });
  }
}

describe("the store on better-sqlite3", () => {
  it("takes its connections, as its types say", () => {
    expectTypeOf<BetterSqlite3.Database>().toExtend<SqliteDatabase>();
  });

  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(`under its rules: ${sentence}`, () =>
      test(async () => {
        const database = new DatabaseSync(":memory:");
        const [store, other] = [0, 1].map(() => sqliteStore({ database: likeBetterSqlite3(database) }));
        if (!store || !other) throw new Error("two stores were made");
        return { store, other, close: async () => database.close() };
      }));
  }

  it("says BUSY by the name of SQLite's error", () => {
    const busy = Object.assign(new Error("database is locked"), { code: "SQLITE_BUSY" });
    const database: SqliteDatabase = {
      exec: () => {},
      prepare() {
        throw busy;
      },
    };
    expect(() => sqliteStore({ database })).toThrow(expect.objectContaining({ code: "BUSY", cause: busy }));
  });
});
