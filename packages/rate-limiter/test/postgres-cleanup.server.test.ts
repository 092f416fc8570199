import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { compileRules } from "../src/rule.ts";
import { type PostgresClient, type PostgresStore, postgresStore } from "../src/stores/postgres.ts";

const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
afterAll(() => pool.end());

const START = 1_000_000;
const rules = compileRules("clean", ["10/second"], { refusals: 5, within: "1m", block: "1h" });

async function setUp(client: PostgresClient = pool) {
  const table = `clean_${randomBytes(4).toString("hex")}`;
  const clock = { at: START };
  const store = postgresStore({ client, table, time: { now: () => clock.at } });
  await store.ensureSchema();
  const rows = async (): Promise<number> => Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count);
  return { store, table, clock, rows };
}

async function consumeEach(store: PostgresStore, keys: number, cost = 1): Promise<void> {
  await store.consumeMany(Array.from({ length: keys }, (_, index) => ({ rules, key: `key ${index}`, cost })));
}

describe("cleanUp", () => {
  it("deletes what says nothing any more, and nothing a millisecond earlier", async () => {
    const { store, clock, rows } = await setUp();
    await consumeEach(store, 30, 5);
    clock.at = START + 499;
    expect(await store.cleanUp()).toBe(0);
    clock.at = START + 500;
    expect(await store.cleanUp()).toBe(30);
    expect(await rows()).toBe(0);
  });

  it("keeps what is blocked, and what has strikes", async () => {
    const { store, clock, rows } = await setUp();
    await store.block(rules, "blocked", 600_000);
    await store.consume(rules, "struck", 10);
    await store.consume(rules, "struck", 1);
    clock.at = START + 11_999;
    expect(await store.cleanUp()).toBe(0);
    clock.at = START + 12_000;
    expect(await store.cleanUp()).toBe(1);
    clock.at = START + 600_000;
    expect(await store.cleanUp()).toBe(1);
    expect(await rows()).toBe(0);
  });

  it("keeps what is lent, and what has not refilled since", async () => {
    const { store, clock } = await setUp();
    await store.lease(rules, "k", { id: "one", tokens: 5, least: 1, ttlMs: 60_000 });
    clock.at = START + 60_499;
    expect(await store.cleanUp()).toBe(0);
    clock.at = START + 60_500;
    expect(await store.cleanUp()).toBe(1);
  });

  it("goes through the table in statements of so many rows", async () => {
    const looks: number[] = [];
    const { store, clock, rows } = await setUp({
      async query(text, values) {
        const result = await pool.query(text, values);
        if (text.includes("DELETE")) looks.push(Number(result.rows[0].deleted));
        return result;
      },
    });
    await consumeEach(store, 25);
    clock.at = START + 10_000;
    expect(await store.cleanUp({ batch: 10 })).toBe(25);
    expect(looks).toEqual([10, 10, 5]);
    expect(await rows()).toBe(0);
  });

  it("stops between two statements when it is told to", async () => {
    const abort = new AbortController();
    const { store, clock, rows } = await setUp({
      async query(text, values) {
        const result = await pool.query(text, values);
        if (text.includes("DELETE")) abort.abort(new Error("enough"));
        return result;
      },
    });
    await consumeEach(store, 25);
    clock.at = START + 10_000;
    await expect(store.cleanUp({ batch: 10, signal: abort.signal })).rejects.toThrow("enough");
    expect(await rows()).toBe(15);
  });

  it("passes over a row that somebody is writing, and does not wait for it", async () => {
    const { store, table, clock, rows } = await setUp();
    await consumeEach(store, 3);
    clock.at = START + 10_000;
    const client = await pool.connect();
    await client.query("BEGIN");
    await postgresStore({ client, table, time: { now: () => clock.at } }).consume(rules, "key 1", 7);
    expect(await store.cleanUp()).toBe(2);
    await client.query("COMMIT");
    client.release();
    expect(await rows()).toBe(1);
    expect((await store.consume(rules, "key 1", 4)).outcome).toBe("refused");
  });

  it("forgets nothing that is taken while it runs, and makes no call fail", async () => {
    const { store, table, clock } = await setUp();
    const keys = Array.from({ length: 600 }, (_, index) => `key ${index}`);
    let deleted = 0;
    for (let round = 0; round < 4; round++) {
      await consumeEach(store, keys.length);
      // Every row is spent now, until somebody takes from it again.
      clock.at += 10_000;
      let isOver = false;
      const cleaning = (async () => {
        while (!isOver) deleted += await store.cleanUp();
      })();
      const stores = Array.from({ length: 6 }, () =>
        postgresStore({ client: pool, table, time: { now: () => clock.at } }),
      );
      const left = [...keys];
      await Promise.all(
        stores.map(async (one) => {
          for (let key = left.pop(); key; key = left.pop()) await one.consume(rules, key, 10);
        }),
      );
      isOver = true;
      await cleaning;
      const again = await store.consumeMany(keys.map((key) => ({ rules, key, cost: 10 })));
      expect(again.filter(({ outcome }) => outcome === "passed")).toEqual([]);
      clock.at += 100_000;
    }
    expect(deleted).toBeGreaterThan(0);
  });
});
