import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createCheckpoints } from "../src/index.ts";
import { type DeadLetter, ingest, type PostgresSinkOptions, postgresSink } from "../src/ingest.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { countingSource, pagesOf, type Row, row, rowSchema } from "./ingest-builders.ts";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: serverUrl("postgres"), max: 6 });
});
afterAll(() => pool.end());

let made = 0;
async function setUp(options: Partial<PostgresSinkOptions<Row>> = {}) {
  const table = `ingest_${process.pid}_${made++}`;
  const store = postgresStore({ client: pool, table: `${table}_at` });
  await store.ensureSchema();
  await pool.query(`CREATE TABLE ${table} (id text PRIMARY KEY, n int CHECK (n < 1000), writes int DEFAULT 1)`);
  const sink = postgresSink<Row>({ pool, store, table, columns: { id: "text", n: "int" }, key: ["id"], ...options });
  const run = { key: "rows", checkpoints: createCheckpoints<number>({ store }), schema: rowSchema, sink };
  const written = async () => (await pool.query(`SELECT id, n FROM ${table} ORDER BY n`)).rows;
  return { table, store, run, written };
}

describe("the sink in Postgres", () => {
  it("writes rows and cursor in one transaction: both are there, or neither", async () => {
    const { run, written } = await setUp();
    const source = pagesOf([row(1), row(2)], [row(3), row(1000)]);
    await expect(ingest({ ...run, source })).rejects.toMatchObject({
      code: "SINK_FAILED",
      message: /check constraint/ as never,
    });
    expect(await written()).toEqual([row(1), row(2)]);
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
  });

  it("commits no row where the save is refused, since the lease is another's by then", async () => {
    const { run, store, written } = await setUp();
    const source = {
      async *pages() {
        yield { records: [row(1)], cursor: 1 };
        await store.grant("rows", "another", await store.read("rows"));
        yield { records: [row(2)], cursor: 2 };
      },
    };
    await expect(ingest({ ...run, source })).rejects.toMatchObject({ code: "STALE_LEASE" });
    expect(await written()).toEqual([row(1)]);
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
  });

  it("doubles nothing when a commit is done and its answer lost", async () => {
    const { table, store, run, written } = await setUp();
    let commits = 0;
    const losing = {
      async connect() {
        const client = await pool.connect();
        return {
          release: (error?: Error | boolean) => client.release(error),
          async query(text: string, values?: unknown[]) {
            const result = await client.query(text, values);
            if (text === "COMMIT" && ++commits === 2) throw Object.assign(new Error("gone"), { code: "ECONNRESET" });
            return result;
          },
        };
      },
    };
    await pool.query(`CREATE TABLE ${table}_log (id text, n int)`);
    await pool.query(`CREATE UNIQUE INDEX ON ${table}_log (id, n)`);
    await pool.query(
      `CREATE FUNCTION ${table}_count() RETURNS trigger AS 'BEGIN NEW.writes = OLD.writes + 1; RETURN NEW; END' LANGUAGE plpgsql`,
    );
    await pool.query(`CREATE TRIGGER count BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_count()`);
    const sink = postgresSink<Row>({ pool: losing, store, table, columns: { id: "text", n: "int" }, key: ["id"] });
    await expect(ingest({ ...run, sink, source: countingSource(30, 10) })).rejects.toMatchObject({
      code: "SINK_FAILED",
    });
    await ingest({ ...run, sink, source: countingSource(30, 10) });
    expect(await written()).toHaveLength(30);
    expect((await pool.query(`SELECT max(writes) AS most FROM ${table}`)).rows).toEqual([{ most: 1 }]);
  });

  it("puts a row in the place of the one with its key, the last of a batch where there are several", async () => {
    const { run, written } = await setUp();
    await ingest({ ...run, source: pagesOf([row(1), { ...row(1), n: 5 }, row(2)], [{ ...row(2), n: 7 }]) });
    expect(await written()).toEqual([
      { id: "id 1", n: 5 },
      { id: "id 2", n: 7 },
    ]);
  });

  it("writes more rows than one statement takes", async () => {
    const { run, table } = await setUp();
    const records = Array.from({ length: 12_000 }, (_, n) => ({ id: `${n}`, n: n % 1000 }));
    await ingest({ ...run, source: pagesOf(records) });
    expect((await pool.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 12_000 }]);
  });

  it("upserts without a store as well, and the cursor follows", async () => {
    const { run, written } = await setUp({ store: undefined });
    await ingest({ ...run, source: countingSource(3, 2) });
    expect(await written()).toHaveLength(3);
    expect((await run.checkpoints.load("rows"))?.value).toBe(3);
  });

  it("keeps texts, nulls, dates and JSON as they are", async () => {
    const { run, table } = await setUp();
    await pool.query(
      `CREATE TABLE ${table}_all (a text, b numeric(9, 2), c timestamptz, d jsonb, e bytea, PRIMARY KEY (a, b))`,
    );
    const schema = z.object({ a: z.string(), b: z.string(), c: z.date(), d: z.unknown(), e: z.instanceof(Buffer) });
    const rows = [
      {
        a: '{"\\,}',
        b: "12345678901234567890".slice(0, 7),
        c: new Date(5),
        d: [[1], { é: null }],
        e: Buffer.from([0, 255]),
      },
      { a: "NULL", b: "1.50", c: new Date(0), d: null, e: Buffer.alloc(0) },
    ];
    const columns = { a: "text", b: "numeric(9, 2)", c: "timestamptz", d: "jsonb", e: "bytea" };
    const sink = postgresSink<z.infer<typeof schema>>({ pool, table: `${table}_all`, columns, key: ["a", "b"] });
    await ingest({ ...run, schema, sink, source: pagesOf(rows) });
    const read = await pool.query(`SELECT * FROM ${table}_all ORDER BY a`);
    expect(read.rows.sort((x, y) => (x.a < y.a ? -1 : 1))).toEqual([
      { ...rows[1] },
      { ...rows[0], b: `${rows[0]?.b}.00` },
    ]);
  });

  it("takes dead letters too", async () => {
    const { run, table } = await setUp();
    await pool.query(`CREATE TABLE ${table}_dead (at bigint, reason text, record jsonb, PRIMARY KEY (at, reason))`);
    const columns = { at: "bigint", reason: "text", record: "jsonb" };
    const deadLetters = postgresSink<DeadLetter>({ pool, table: `${table}_dead`, columns, key: ["at", "reason"] });
    await ingest({ ...run, deadLetters, source: pagesOf([{ id: 5, n: 1 }]) });
    expect((await pool.query(`SELECT record FROM ${table}_dead`)).rows).toEqual([{ record: { id: 5, n: 1 } }]);
  });

  it("gives the connection back, and a broken one away", async () => {
    const { run } = await setUp();
    const small = new pg.Pool({ connectionString: serverUrl("postgres"), max: 1 });
    const sink = postgresSink<Row>({ pool: small, table: "nowhere", columns: { id: "text" }, key: ["id"] });
    for (let turn = 0; turn < 3; turn++) {
      await expect(ingest({ ...run, sink, source: countingSource(1, 1) })).rejects.toMatchObject({
        code: "SINK_FAILED",
      });
    }
    const breaking = {
      async connect() {
        const client = await small.connect();
        const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
        return {
          on: client.on.bind(client),
          off: client.off.bind(client),
          release: client.release.bind(client),
          async query(text: string, values?: unknown[]) {
            if (text.includes("INSERT")) await pool.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
            return await client.query(text, values);
          },
        };
      },
    };
    const killing = postgresSink<Row>({ pool: breaking, table: "nowhere", columns: { id: "text" }, key: ["id"] });
    await expect(ingest({ ...run, sink: killing, source: countingSource(1, 1) })).rejects.toThrow();
    expect((await small.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await small.end();
  });

  it("refuses columns that it can't write, and a key that is none of them", () => {
    const sink = (columns: Record<string, string>, key: [string]) => () =>
      postgresSink({ pool, table: "rows", columns, key });
    expect(sink({ id: "text[]" }, ["id"])).toThrow(/type of id/);
    expect(sink({ id: "text) --" }, ["id"])).toThrow(/type of id/);
    expect(sink({ 'i"d': "text" }, ['i"d'])).toThrow(/can't be used/);
    expect(sink({ id: "text" }, ["n"])).toThrow(/key names n/);
  });
});
