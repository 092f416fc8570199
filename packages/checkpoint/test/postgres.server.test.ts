import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresStore } from "../src/stores/postgres.ts";
import { checkpointStoreContract } from "../src/testing.ts";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: serverUrl("postgres"), max: 12 });
});
afterAll(() => pool.end());

let made = 0;
async function newStore(options: { schema?: string } = {}) {
  const table = `checkpoint_${process.pid}_${made++}`;
  const store = postgresStore({ client: pool, table, ...options });
  await store.ensureSchema();
  return { store, other: postgresStore({ client: pool, table, ...options }), table, close: () => store.close() };
}

describe("the store in Postgres", () => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) it(sentence, () => test(newStore));

  it("saves in the caller's transaction, with what is written there, or neither", async () => {
    const { store, table } = await newStore();
    await pool.query(`CREATE TABLE ${table}_rows (id int PRIMARY KEY)`);
    for (const end of ["ROLLBACK", "COMMIT"] as const) {
      const client = await pool.connect();
      await client.query("BEGIN");
      await client.query(`INSERT INTO ${table}_rows VALUES (1)`);
      const outcome = await store.within(client).save("a", "1", { savedAt: 1, ifVersion: 0 });
      expect(outcome.ok).toBe(true);
      expect(await store.read("a")).toBeUndefined();
      await client.query(end);
      client.release();
      const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${table}_rows`);
      expect([rows[0].n, (await store.read("a"))?.data]).toEqual(end === "COMMIT" ? [1, "1"] : [0, undefined]);
    }
  });

  it("refuses a stale fence inside a transaction too, before anything is committed", async () => {
    const { store } = await newStore();
    const first = await store.grant("a", "me", undefined);
    const second = await store.grant("a", "you", first.entry);
    expect(second.ok).toBe(true);
    const client = await pool.connect();
    await client.query("BEGIN");
    expect((await store.within(client).save("a", "stale", { savedAt: 1, fence: 1 })).ok).toBe(false);
    await client.query("ROLLBACK");
    client.release();
  });

  it("saves in one round trip, whatever stands and on whatever condition", async () => {
    const { table } = await newStore();
    let trips = 0;
    const query = (text: string, values?: unknown[]) => {
      trips++;
      return pool.query(text, values);
    };
    const store = postgresStore({ client: { query }, table });
    await store.grant("b", "me", undefined);
    for (const [key, conditions] of [
      ["a", {}],
      ["a", {}],
      ["a", { ifVersion: 2 }],
      ["a", { keep: 1 }],
      ["b", { ifVersion: 0, fence: 1 }],
      ["b", { ifVersion: 1, fence: 1 }],
      ["b", { fence: 1 }],
      ["c", { ifVersion: 0 }],
      ["d", { keep: 1 }],
    ] as const) {
      trips = 0;
      expect(await store.save(key, "data", { savedAt: 1, ...conditions })).toMatchObject({ ok: true });
      expect(trips).toBe(1);
    }
  });

  it("keeps the version that it replaced, also where many save at once", async () => {
    const { store } = await newStore();
    const saves = Array.from({ length: 30 }, (_, index) => store.save("a", `${index}`, { savedAt: index, keep: 100 }));
    const byVersion = new Map((await Promise.all(saves)).map(({ entry }) => [entry?.version, entry?.data]));
    const versions = await store.versions("a");
    expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 30 }, (_, index) => 30 - index));
    for (const { version, data } of versions) expect(byVersion.get(version)).toBe(data);
  });

  it("is a schema's own, and says what to do where a table is missing or another's", async () => {
    const { store } = await newStore({ schema: `checkpoints_${process.pid}` });
    expect((await store.save("a", "1", { savedAt: 1 })).ok).toBe(true);
    const missing = postgresStore({ client: pool, table: "checkpoint_nowhere" });
    await expect(missing.read("a")).rejects.toMatchObject({
      code: "STORE_UNFIT",
      message: expect.stringContaining("ensureSchema()"),
    });
    await pool.query(`CREATE TABLE others_${process.pid} (key text)`);
    const wrong = postgresStore({ client: pool, table: `others_${process.pid}` });
    await expect(wrong.ensureSchema()).rejects.toMatchObject({ code: "STORE_UNFIT" });
  });
});
