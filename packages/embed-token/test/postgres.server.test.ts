import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { type PostgresClient, postgresTokenStore } from "../src/stores/postgres.ts";
import { setUp } from "./support.ts";

const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
afterAll(() => pool.end());

const { POSITIVE_INFINITY } = Number;
const newName = (): string => `t_${randomBytes(4).toString("hex")}`;

async function newStore(client: PostgresClient = pool) {
  const table = newName();
  const store = postgresTokenStore({ client, table });
  await store.ensureSchema();
  /** What may be forgotten, without waiting for it. */
  const age = async (): Promise<void> => {
    for (const kind of ["mark", "revocation"]) {
      await pool.query(`UPDATE ${table}_${kind} SET keep_until = keep_until - 3600000`);
    }
  };
  return { table, store, age };
}

describe("the Postgres store", () => {
  it("is made by any number of instances at once, in a schema of its own too", async () => {
    const [table, schema] = [newName(), newName()];
    const stores = Array.from({ length: 8 }, () => postgresTokenStore({ client: pool, table, schema }));
    await Promise.all(stores.map((store) => store.ensureSchema()));
    const marks = await Promise.all(stores.map((store) => store.mark("a", 60_000)));
    expect(marks.filter(Boolean)).toHaveLength(1);
  });

  it("says what to do where its tables are missing, another's, or of a later version", async () => {
    const table = newName();
    const store = postgresTokenStore({ client: pool, table });
    await expect(store.mark("a", 1000)).rejects.toMatchObject({
      code: "WRONG_SCHEMA",
      message: expect.stringContaining("ensureSchema()"),
    });
    await pool.query(`CREATE TABLE ${table}_mark (a int)`);
    await expect(store.ensureSchema()).rejects.toMatchObject({ code: "WRONG_SCHEMA" });
    await pool.query(`COMMENT ON TABLE ${table}_mark IS 'holdfast embed tokens, layout 2'`);
    await expect(store.ensureSchema()).rejects.toThrow(/later version/);
  });

  it.each(["", "a b", "1a", "a-b", "a".repeat(29), 'a"; DROP TABLE x; --'])("has no table %j", (table) => {
    expect(() => postgresTokenStore({ client: pool, table })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it("has the longest name that it says it can have", async () => {
    const store = postgresTokenStore({ client: pool, table: newName().padEnd(28, "x") });
    await store.ensureSchema();
    await store.ensureSchema();
    expect(await store.mark("a", 1000)).toBe(true);
  });

  it("takes a mark that may be forgotten for none", async () => {
    const { store, age } = await newStore();
    await store.mark("a", 60_000);
    await age();
    expect(await store.mark("a", 60_000)).toBe(true);
    expect(await store.mark("a", 60_000)).toBe(false);
  });

  it("deletes what may be forgotten, so many rows a statement, and nothing else", async () => {
    const statements: number[] = [];
    const { table, store, age } = await newStore({
      async query(text, values) {
        const result = await pool.query(text, values);
        if (text.includes("DELETE")) statements.push(result.rows.length);
        return result;
      },
    });
    for (let count = 0; count < 25; count++) await store.mark(`m${count}`, 60_000);
    for (let count = 0; count < 5; count++) await store.revoke(`r${count}`, 1000, 60_000);
    await store.revoke("for good", 1000, POSITIVE_INFINITY);
    expect(await store.cleanUp()).toBe(0);
    await age();
    await store.mark("new", 60_000);
    statements.length = 0;
    expect(await store.cleanUp({ batch: 10 })).toBe(30);
    expect(statements).toEqual([10, 10, 5, 5]);
    expect((await pool.query(`SELECT name FROM ${table}_mark`)).rows).toEqual([{ name: "new" }]);
    expect(await store.revocations(["for good", "r0"])).toEqual([1000, undefined]);
    await expect(store.cleanUp({ batch: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("makes who comes second wait for the first, and tells them what became of it", async () => {
    const { table, store } = await newStore();
    const client = await pool.connect();
    const inTransaction = postgresTokenStore({ client, table });
    await client.query("BEGIN");
    expect(await inTransaction.mark("kept", 60_000)).toBe(true);
    const second = store.mark("kept", 60_000);
    await client.query("COMMIT");
    expect(await second).toBe(false);
    await client.query("BEGIN");
    expect(await inTransaction.mark("undone", 60_000)).toBe(true);
    const third = store.mark("undone", 60_000);
    await client.query("ROLLBACK");
    expect(await third).toBe(true);
    client.release();
  });
});

describe("with the Postgres store, one-time tokens", () => {
  it("are good once, over several instances at once", async () => {
    const { table } = await newStore();
    const instances = Array.from({ length: 4 }, () => setUp({ once: postgresTokenStore({ client: pool, table }) }));
    for (let round = 0; round < 20; round++) {
      const token = (await instances[0]?.issue()) ?? "";
      const outcomes = await Promise.all(instances.flatMap(({ outcome }) => [outcome(token), outcome(token)]));
      expect(outcomes.filter((one) => one === "accepted")).toHaveLength(1);
    }
  });

  it("and revocations are seen by every instance at once", async () => {
    const { table } = await newStore();
    const stores = Array.from({ length: 2 }, () => postgresTokenStore({ client: pool, table }));
    const [one, other] = stores.map((store) => setUp({ once: store, revocations: store }));
    const token = (await one?.issue()) ?? "";
    await one?.tokens.revoke({ subject: "user-7" });
    expect(await other?.outcome(token)).toBe("revoked");
  });

  it("are refused where the table is gone", async () => {
    const { issue, outcome } = setUp({ once: postgresTokenStore({ client: pool, table: newName() }) });
    expect(await outcome(await issue())).toBe("unavailable");
  });
});
