import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKeys } from "../src/index.ts";
import { type PostgresKeyStore, postgresKeyStore } from "../src/stores/postgres.ts";
import { keyStoreContract } from "../src/testing.ts";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: serverUrl("postgres"), max: 8 });
});
afterAll(() => pool.end());

let made = 0;
async function newStore(): Promise<{ store: PostgresKeyStore; table: string; close(): Promise<void> }> {
  const table = `api_key_${process.pid}_${made++}`;
  const store = postgresKeyStore({ client: pool, table });
  await store.ensureSchema();
  return { store, table, close: () => store.close() };
}

describe("the store in Postgres", () => {
  for (const [sentence, test] of Object.entries(keyStoreContract)) it(sentence, () => test(newStore));

  it("keeps digests and no key", async () => {
    const { store, table } = await newStore();
    const keys = createApiKeys({ store, prefix: "acme", peppers: [{ id: "p1", key: Buffer.alloc(32, "0123456789") }] });
    const { text, key } = await keys.create({ name: "n", owner: "o", metadata: { ticket: "T-1" } });
    const { rows } = await pool.query(`SELECT t::text AS all FROM ${table} AS t`);
    const secret = text.reveal().slice(-34);
    expect(rows[0].all).toContain(key.id);
    expect(rows[0].all).not.toContain(secret);
    expect(rows[0].all).not.toContain(secret.slice(0, 8));
  });

  it("rotates in one statement: the old key's end and its successor, or neither", async () => {
    const { store } = await newStore();
    const keys = createApiKeys({ store, prefix: "acme" });
    const { key } = await keys.create({ name: "n", owner: "o" });
    const rotations = await Promise.allSettled(Array.from({ length: 5 }, () => keys.rotate(key.id)));
    expect(rotations.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await keys.list()).toHaveLength(2);
  });

  it("may be made by many instances at once, in a schema of its own", async () => {
    const client = new pg.Pool({ connectionString: serverUrl("postgres"), max: 6 });
    const schema = `keys_${process.pid}`;
    const stores = Array.from({ length: 6 }, () => postgresKeyStore({ client, schema }));
    await Promise.all(stores.map((store) => store.ensureSchema()));
    const keys = createApiKeys({ store: stores[0] as PostgresKeyStore, prefix: "acme" });
    const { text } = await keys.create({ name: "n", owner: "o" });
    const elsewhere = createApiKeys({ store: stores[1] as PostgresKeyStore, prefix: "acme" });
    expect(await elsewhere.verify(text.reveal())).toMatchObject({ ok: true });
    await client.end();
  });

  it("says what to do where its table is missing, another's, or of a later version", async () => {
    const missing = postgresKeyStore({ client: pool, table: "api_key_nowhere" });
    await expect(missing.find("a")).rejects.toMatchObject({
      code: "WRONG_SCHEMA",
      message: expect.stringContaining("ensureSchema()"),
    });
    const others = `others_${process.pid}`;
    await pool.query(`CREATE TABLE ${others} (id text)`);
    const wrong = postgresKeyStore({ client: pool, table: others });
    await expect(wrong.ensureSchema()).rejects.toMatchObject({ code: "WRONG_SCHEMA" });
    const { store, table } = await newStore();
    await pool.query(`COMMENT ON TABLE ${table} IS 'holdfast api keys, layout 2'`);
    await expect(store.ensureSchema()).rejects.toMatchObject({
      code: "WRONG_SCHEMA",
      message: expect.stringContaining("later version"),
    });
  });

  it("writes no row version for a check, and one a minute at most for its use", async () => {
    const { store, table } = await newStore();
    const keys = createApiKeys({ store, prefix: "acme" });
    const { text, key } = await keys.create({ name: "n", owner: "o" });
    for (let check = 0; check < 50; check++) await keys.verify(text.reveal());
    await keys.close();
    const { rows } = await pool.query(`SELECT xmin::text, last_used_at FROM ${table} WHERE id = $1`, [key.id]);
    for (let check = 0; check < 50; check++) await keys.verify(text.reveal());
    await keys.close();
    const { rows: later } = await pool.query(`SELECT xmin::text, last_used_at FROM ${table} WHERE id = $1`, [key.id]);
    expect(rows[0].last_used_at).not.toBeNull();
    expect(later).toEqual(rows);
  });
});
