import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { compileRules } from "../src/rule.ts";
import type { LeaseRequest } from "../src/store.ts";
import { postgresStore } from "../src/stores/postgres.ts";

const url = serverUrl("postgres");
const pool = new pg.Pool({ connectionString: url, max: 16 });
afterAll(() => pool.end());
const rules = compileRules("schema", ["10/day"]);
/** A name that no earlier run has used. */
const fresh = (name: string): string => `${name}_${randomBytes(4).toString("hex")}`;

function leaseOf(id: string, tokens: number): LeaseRequest {
  return { id, tokens, least: Math.min(1, tokens), ttlMs: 60_000 };
}

async function one<Row extends object>(text: string): Promise<Row> {
  return (await pool.query(text)).rows[0] as Row;
}

describe("ensureSchema", () => {
  it("makes what is missing, from eight connections at once and again", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => pool.connect()));
    const schema = fresh("Eight");
    for (let round = 0; round < 20; round++) {
      const stores = clients.map((client) => postgresStore({ client, schema, table: `at_once_${round}` }));
      await Promise.all(stores.map((store) => store.ensureSchema()));
      await Promise.all(stores.map((store) => store.ensureSchema()));
      expect((await stores[round % 8]?.consume(rules, "k", 1))?.outcome).toBe("passed");
    }
    for (const client of clients) client.release();
  });

  it.each([
    [true, "u"],
    [false, "p"],
  ])("makes a table that is unlogged or not as it is told: %s", async (unlogged, persistence) => {
    const table = fresh("kind");
    await postgresStore({ client: pool, table, unlogged }).ensureSchema();
    const sql = `SELECT relpersistence FROM pg_class WHERE oid = '${table}'::regclass`;
    expect(await one(sql)).toEqual({ relpersistence: persistence });
  });

  it("needs no privilege to create where all is there", async () => {
    const table = fresh("granted");
    await postgresStore({ client: pool, table }).ensureSchema();
    const role = fresh("app");
    await pool.query(`CREATE ROLE ${role} LOGIN`);
    await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${role}`);
    const app = new pg.Pool({ connectionString: url, user: role });
    const store = postgresStore({ client: app, table });
    await store.ensureSchema();
    expect((await store.consume(rules, "k", 10)).outcome).toBe("passed");
    expect((await store.consume(rules, "k", 1)).outcome).toBe("refused");
    expect(await store.lease(rules, "l", leaseOf("one", 4))).toMatchObject({ outcome: "passed", lent: 4 });
    for (const key of ["k", "l"]) await store.reset(rules, key);
    expect(await store.cleanUp()).toBe(2);
    await app.end();
  });

  it.each(["consume", "one_rule", "as_of", "lease"])(
    "makes the function %s anew where only that is missing, and keeps the rows",
    async (name) => {
      const table = fresh("half");
      const store = postgresStore({ client: pool, table });
      await store.ensureSchema();
      await store.consume(rules, "k", 4);
      await pool.query(`DROP FUNCTION ${table}_${name}_2`);
      const calls = [store.consume(rules, "k", 10), store.lease(rules, "k", leaseOf("one", 0))];
      const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === "rejected");
      expect(failed).toContainEqual({
        status: "rejected",
        reason: expect.objectContaining({ message: expect.stringMatching(/call ensureSchema\(\)/) }),
      });
      await store.ensureSchema();
      expect((await store.consume(rules, "k", 7)).outcome).toBe("refused");
      expect((await store.consume(rules, "k", 6)).outcome).toBe("passed");
    },
  );

  it("adds what a table of layout 1 lacks, and keeps its rows", async () => {
    const table = fresh("yesterday");
    const store = postgresStore({ client: pool, table });
    await store.ensureSchema();
    await store.consume(rules, "k", 4);
    await pool.query(`ALTER TABLE ${table} DROP COLUMN leases`);
    await pool.query(`COMMENT ON TABLE ${table} IS 'holdfast rate limits, layout 1'`);
    await expect(store.lease(rules, "k", leaseOf("one", 2))).rejects.toMatchObject({ code: "WRONG_SCHEMA" });
    const stores = Array.from({ length: 8 }, () => postgresStore({ client: pool, table }));
    await Promise.all(stores.map((instance) => instance.ensureSchema()));
    expect(await store.lease(rules, "k", leaseOf("one", 9))).toMatchObject({ outcome: "passed", lent: 6 });
    expect(await one(`SELECT obj_description('${table}'::regclass)`)).toEqual({
      obj_description: "holdfast rate limits, layout 2",
    });
  });

  it("refuses a table of a later version, and one that is something else", async () => {
    const table = fresh("tomorrow");
    const store = postgresStore({ client: pool, table });
    await store.ensureSchema();
    await pool.query(`COMMENT ON TABLE ${table} IS 'holdfast rate limits, layout 3'`);
    await expect(store.ensureSchema()).rejects.toMatchObject({
      code: "WRONG_SCHEMA",
      message: expect.stringMatching(/layout 3.*update/),
    });
    const invoices = fresh("invoices");
    await pool.query(`CREATE TABLE ${invoices} (id int)`);
    await expect(postgresStore({ client: pool, table: invoices }).ensureSchema()).rejects.toMatchObject({
      code: "WRONG_SCHEMA",
      message: expect.stringMatching(/another's.*give another name/),
    });
  });
});

describe("a call on a table that is not as it should be", () => {
  it("says what to do", async () => {
    const missing = postgresStore({ client: pool, table: "nowhere" });
    const elsewhere = postgresStore({ client: pool, schema: "nowhere" });
    const table = fresh("thing");
    await pool.query(`CREATE TABLE ${table} (subject bytea)`);
    const other = postgresStore({ client: pool, table });
    for (const store of [missing, elsewhere, other]) {
      for (const call of [
        () => store.consume(rules, "k", 1),
        () => store.consumeMany(["k", "l"].map((key) => ({ rules, key, cost: 1 }))),
        () => store.lease(rules, "k", leaseOf("one", 1)),
        () => store.peek(rules, "k"),
        () => store.refund(rules, "k", 1),
        () => store.reset(rules, "k"),
        () => store.block(rules, "k", 1),
        () => store.unblock(rules, "k"),
        () => store.cleanUp(),
      ]) {
        await expect(call()).rejects.toMatchObject({
          code: "WRONG_SCHEMA",
          message: expect.stringMatching(/call ensureSchema\(\)/),
        });
      }
    }
  });
});

describe("a row", () => {
  it("is of one size, however long the key", async () => {
    const table = fresh("sizes");
    const store = postgresStore({ client: pool, table });
    await store.ensureSchema();
    for (const key of ["k", "\0", "\ud800", "x".repeat(100_000)]) await store.consume(rules, key, 1);
    expect(await one(`SELECT count(*), max(octet_length(subject)) FROM ${table}`)).toEqual({ count: "4", max: 32 });
  });

  it("is not written by a refusal, nor locked", async () => {
    const table = fresh("unwritten");
    const store = postgresStore({ client: pool, table });
    await store.ensureSchema();
    await store.consume(rules, "k", 10);
    const before = await one(`SELECT ctid, xmin, xmax FROM ${table}`);
    for (let call = 0; call < 3; call++) expect((await store.consume(rules, "k", 1)).outcome).toBe("refused");
    await store.consumeMany([1, 2].map((cost) => ({ rules, key: "k", cost })));
    expect(await one(`SELECT ctid, xmin, xmax FROM ${table}`)).toEqual(before);
  });

  it("refills without overflow, however fast and after however long", async () => {
    let now = 1;
    const table = fresh("overflow");
    const store = postgresStore({ client: pool, table, time: { now: () => now } });
    await store.ensureSchema();
    const fastest = compileRules("fastest", [{ limit: Number.MAX_SAFE_INTEGER, window: 1, burst: 2 ** 52 }]);
    const slowest = compileRules("slowest", [{ limit: 1, window: "366d", burst: 142_417 }]);
    for (const rate of [fastest, slowest]) {
      now = 1;
      const most = rate.smallestBurst;
      expect((await store.consume(rate, "k", most)).outcome).toBe("passed");
      now = Number.MAX_SAFE_INTEGER;
      expect((await store.consume(rate, "k", most)).outcome).toBe("passed");
      await store.refund(rate, "k", Number.MAX_SAFE_INTEGER);
      expect((await store.peek(rate, "k")).used).toEqual([0]);
    }
  });

  it.each([false, true])(
    "is found by its key also by a connection that knew the table when it was small, prepared: %s",
    async (prepared) => {
      const client = new pg.Client(url);
      await client.connect();
      const table = fresh("grown");
      const store = postgresStore({ client, table, prepared });
      await store.ensureSchema();
      await store.consume(rules, "k", 1);
      await client.query(`ANALYZE ${table}`);
      const scans = async () => {
        const { rows } = await client.query(`SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = '${table}'`);
        return Number(rows[0].seq_scan);
      };
      await client.query("BEGIN");
      const before = await scans();
      for (let call = 0; call < 8; call++) await store.consume(rules, "k", 1);
      const after = await scans();
      await client.end();
      expect(after).toBe(before);
    },
  );
});
