import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { createCheckpoints } from "../src/index.ts";
import { type DeadLetter, ingest, ingestAll, type SqliteSinkOptions, sqliteSink } from "../src/ingest.ts";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { countingSource, pagesOf, type Row, row, rowSchema } from "./ingest-builders.ts";

/** A table that counts how often each of its rows was written. */
function setUp(options: Partial<SqliteSinkOptions<Row>> = {}) {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  database.exec(`
    CREATE TABLE row (id TEXT PRIMARY KEY, n INTEGER CHECK (n < 1000), writes INTEGER DEFAULT 1);
    CREATE TRIGGER again AFTER UPDATE OF n ON row BEGIN
      UPDATE row SET writes = OLD.writes + 1 WHERE id = NEW.id;
    END`);
  const store = sqliteStore({ database });
  const sink = sqliteSink<Row>({ database, store, table: "row", columns: ["id", "n"], key: ["id"], ...options });
  const run = { key: "rows", checkpoints: createCheckpoints<number>({ store }), schema: rowSchema, sink };
  const all = (sql: string): unknown[] =>
    database
      .prepare(sql)
      .all()
      .map((found) => ({ ...found }));
  return {
    database,
    store,
    run,
    written: () => all("SELECT id, n FROM row ORDER BY n"),
    twice: () => all("SELECT id FROM row WHERE writes > 1"),
    cursor: async () => (await run.checkpoints.load("rows"))?.value,
  };
}

describe("the sink in SQLite", () => {
  it("writes rows and cursor in one transaction: both are there, or neither", async () => {
    const { run, written, cursor } = setUp();
    const source = pagesOf([row(1), row(2)], [row(3), row(1000)]);
    await expect(ingest({ ...run, source })).rejects.toMatchObject({
      code: "SINK_FAILED",
      message: expect.stringContaining("CHECK constraint"),
    });
    expect(written()).toEqual([row(1), row(2)]);
    expect(await cursor()).toBe(1);
  });

  it("commits no row where the save is refused, since the lease is another's by then", async () => {
    const { run, store, written, cursor } = setUp();
    const source = {
      async *pages() {
        yield { records: [row(1)], cursor: 1 };
        await store.grant("rows", "another", await store.read("rows"));
        yield { records: [row(2)], cursor: 2 };
      },
    };
    await expect(ingest({ ...run, source })).rejects.toMatchObject({ code: "STALE_LEASE" });
    expect(written()).toEqual([row(1)]);
    expect(await cursor()).toBe(1);
  });

  it("has each row once, wherever runs end: before a commit, at it, or after it", async () => {
    for (const breaks of ["before", "at", "after"] as const) {
      const { database, store, run, written, twice } = setUp();
      let batch = 0;
      // Its commit fails, as on a full disk.
      const failing = {
        prepare: (sql: string) => database.prepare(sql),
        exec(sql: string) {
          if (sql.startsWith("RELEASE") && batch % 3 === 2 && breaks === "at") {
            batch++;
            throw Object.assign(new Error("disk full"), { errcode: 13 });
          }
          database.exec(sql);
        },
      };
      const own = sqliteStore({ database: failing });
      const sink = sqliteSink<Row>({ database, store: own, table: "row", columns: ["id", "n"], key: ["id"] });
      const breaking = {
        async write(...given: Parameters<typeof sink.write>) {
          batch++;
          if (batch % 3 === 0 && breaks === "before") throw new Error("killed");
          await sink.write(...given);
          if (batch % 3 === 0 && breaks === "after") throw new Error("killed");
        },
      };
      let runs = 0;
      for (let isDone = false; !isDone; runs++) {
        const running = ingest({ ...run, sink: breaking, source: countingSource(100, 7) });
        isDone = await running.then(
          () => true,
          () => false,
        );
      }
      expect(runs).toBeGreaterThan(3);
      expect(written()).toHaveLength(100);
      expect(twice()).toEqual([]);
      await store.close();
    }
  });

  it("keeps streams apart that share a connection", async () => {
    const { run, written, twice } = setUp();
    const outcomes = await ingestAll(["a", "b", "c"], (key, call) => {
      const first = key.charCodeAt(0) * 5;
      const pages = Array.from({ length: 5 }, (_, n) => [row(first + n)]);
      return ingest({ ...run, ...call, key, source: pagesOf(...pages) });
    });
    expect([...outcomes.values()].map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(written()).toHaveLength(15);
    expect(twice()).toEqual([]);
  });

  it("puts a row in the place of the one with its key", async () => {
    const { run, written } = setUp();
    await ingest({ ...run, source: pagesOf([row(1), { ...row(1), n: 5 }, row(2)], [{ ...row(2), n: 7 }]) });
    expect(written()).toEqual([
      { id: "id 1", n: 5 },
      { id: "id 2", n: 7 },
    ]);
  });

  it("upserts without a store as well, all of a batch or nothing, and the cursor follows", async () => {
    const { run, written, cursor } = setUp({ store: undefined });
    await expect(ingest({ ...run, source: pagesOf([row(1)], [row(2), row(1000)]) })).rejects.toMatchObject({
      code: "SINK_FAILED",
    });
    expect(written()).toEqual([row(1)]);
    expect(await cursor()).toBe(1);
  });

  it("keeps values of every kind in a form that SQLite has", async () => {
    const { database, run } = setUp();
    database.exec("CREATE TABLE kinds (id TEXT PRIMARY KEY, a INTEGER, b, c, d, e, f)");
    const schema = z.looseObject({ id: z.string() });
    const columns = ["id", "a", "b", "c", "d", "e", "f"] as const;
    const sink = sqliteSink<z.infer<typeof schema>>({ database, table: "kinds", columns, key: ["id"] });
    const record = {
      id: "é",
      a: true,
      b: new Date(5),
      c: ["x", { y: null }],
      d: null,
      e: 2n ** 60n,
      f: Buffer.from([0, 255]),
    };
    await ingest({ ...run, schema, sink, source: pagesOf([record]) });
    const reading = database.prepare("SELECT * FROM kinds");
    reading.setReadBigInts(true);
    expect({ ...reading.get() }).toEqual({
      id: "é",
      a: 1n,
      b: "1970-01-01T00:00:00.005Z",
      c: '["x",{"y":null}]',
      d: null,
      e: 2n ** 60n,
      f: new Uint8Array([0, 255]),
    });
  });

  it("takes dead letters too, though there is nothing to save with them", async () => {
    const { database, store, run } = setUp();
    database.exec("CREATE TABLE dead (at INTEGER, reason TEXT, record TEXT, PRIMARY KEY (at, reason))");
    const options = { database, store, table: "dead", key: ["at", "reason"] } as const;
    const deadLetters = sqliteSink<DeadLetter>({ ...options, columns: ["at", "reason", "record"] });
    await ingest({ ...run, deadLetters, source: pagesOf([{ id: 5, n: 1 }]) });
    expect(database.prepare("SELECT record FROM dead").all()).toMatchObject([{ record: '{"id":5,"n":1}' }]);
  });

  it("refuses names that it can't write, a key that is none of them, and a table that is not there", () => {
    const { database } = setUp();
    const sink = (table: string, columns: readonly [string, ...string[]], key: [string]) => () =>
      sqliteSink({ database, table, columns, key });
    expect(sink('r"w', ["id"], ["id"])).toThrow(/can't be used/);
    expect(sink("row", ["i d"], ["i d"])).toThrow(/can't be used/);
    expect(sink("row", ["id"], ["n"])).toThrow(/key names n/);
    expect(sink("nowhere", ["id"], ["id"])).toThrow(/no such table/);
  });
});
