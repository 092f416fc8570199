import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { runToEnd, serverUrl, startPgBouncer } from "@holdfast/testing";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { compileRules } from "../src/rule.ts";
import { type PostgresStore, postgresStore } from "../src/stores/postgres.ts";

const url = serverUrl("postgres");
const pool = new pg.Pool({ connectionString: url });
const table = `sharing_${randomBytes(4).toString("hex")}`;
const store = postgresStore({ client: pool, table });
beforeAll(() => store.ensureSchema());
afterAll(() => pool.end());

const CONSUMER = join(import.meta.dirname, "children/postgres-consumer.ts");

async function connected(): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

describe("several instances on one Postgres", () => {
  it("let through exactly what the limit allows, from two processes under full load", async () => {
    // A token comes back every minute: none in the time of the test.
    const args = [url, table, "1440/day", "9000"];
    const gate = await connected();
    await gate.query("SELECT pg_advisory_lock(0)");
    const running = Promise.all([runToEnd(CONSUMER, { args }), runToEnd(CONSUMER, { args })]);
    const waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while ((await pool.query(waiting)).rowCount !== 2);
    await gate.end();
    const runs = await running;
    const [one, other] = runs.map(({ stdout }) => JSON.parse(stdout) as Record<string, number>);
    for (const key of ["a", "b", "c"]) expect((one?.[key] ?? 0) + (other?.[key] ?? 0)).toBe(1440);
  });

  it("let through exactly what the limit allows on one key, each call a statement of its own", async () => {
    const rules = compileRules("hot", ["100/day"]);
    const stores = Array.from({ length: 40 }, () => postgresStore({ client: pool, table }));
    const readings = await Promise.all(
      stores.flatMap((one) => Array.from({ length: 5 }, () => one.consume(rules, "k", 1))),
    );
    expect(readings.filter(({ outcome }) => outcome === "passed")).toHaveLength(100);
  });

  it("never wait for each other in a circle: eight keys a batch, in any order, on sixteen connections", async () => {
    const rules = compileRules("circle", ["1000000/second"]);
    const clients = await Promise.all(Array.from({ length: 16 }, connected));
    const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
    let passed = 0;
    await Promise.all(
      clients.map(async (client) => {
        const own = postgresStore({ client, table });
        for (let round = 0; round < 40; round++) {
          const calls = shuffled(keys).map((key) => ({ rules, key, cost: 1 }));
          for (const { outcome } of await own.consumeMany(calls)) if (outcome === "passed") passed++;
        }
      }),
    );
    await Promise.all(clients.map((client) => client.end()));
    expect(passed).toBe(16 * 40 * 8);
  });

  it("lend and decide from one bucket, whoever is quicker", async () => {
    const rules = compileRules("lending", ["600/day"]);
    const stores = Array.from({ length: 20 }, () => postgresStore({ client: pool, table }));
    let taken = 0;
    await Promise.all(
      stores.map(async (one, index) => {
        const lease = (id: string, back?: { readonly id: string; readonly unspent: number }) =>
          one.lease(rules, "k", { id: `${index}-${id}`, tokens: 10, least: 1, ttlMs: 600_000, returned: back });
        const { lent } = await lease("one");
        for (let call = 0; call < 10; call++) if ((await one.consume(rules, "k", 1)).outcome === "passed") taken++;
        const again = await lease("two", { id: `${index}-one`, unspent: Math.min(lent, 4) });
        await one.refund(rules, "k", 1);
        taken += lent - Math.min(lent, 4) + again.lent - 1;
      }),
    );
    const left = await store.lease(rules, "k", { id: "last", tokens: 1000, least: 0, ttlMs: 600_000 });
    expect(taken + left.lent).toBe(600);
  });

  it("never wait for each other in a circle when they lease: eight keys at once, in any order, on sixteen connections", async () => {
    const rules = compileRules("lease circle", ["1000000/second"]);
    const clients = await Promise.all(Array.from({ length: 16 }, connected));
    const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
    let lent = 0;
    await Promise.all(
      clients.map(async (client, index) => {
        const own = postgresStore({ client, table });
        for (let round = 0; round < 20; round++) {
          const request = { id: `${index}-${round}`, tokens: 1, least: 1, ttlMs: 100 };
          const leases = shuffled(keys).map((key) => own.lease(rules, key, request));
          const calls = own.consumeMany(shuffled(keys).map((key) => ({ rules, key, cost: 1 })));
          for (const { outcome } of await Promise.all(leases)) if (outcome === "passed") lent++;
          await calls;
        }
      }),
    );
    await Promise.all(clients.map((client) => client.end()));
    expect(lent).toBe(16 * 20 * 8);
  });

  it("count strikes together", async () => {
    const rules = compileRules("strikes", ["1/day"], { refusals: 50, within: "1d", block: "1h" });
    const stores = Array.from({ length: 10 }, () => postgresStore({ client: pool, table }));
    await store.consume(rules, "k", 1);
    const readings = await Promise.all(
      stores.flatMap((one) => Array.from({ length: 6 }, () => one.consume(rules, "k", 1))),
    );
    const count = (wanted: string) => readings.filter(({ outcome }) => outcome === wanted).length;
    expect([count("refused"), count("blocked")]).toEqual([49, 11]);
  });
});

describe("time", () => {
  afterEach(() => void vi.useRealTimers());

  it("is Postgres' own, whatever an instance takes it to be", async () => {
    const rules = compileRules("time", ["5/hour"]);
    expect((await store.consume(rules, "k", 5)).outcome).toBe("passed");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 86_400_000 });
    expect((await store.consume(rules, "k", 1)).outcome).toBe("refused");
  });

  it("never moves a bucket's back, though a call has read it before it waited for another that was later", async () => {
    const rules = compileRules("late", [{ limit: 1, window: 1000, burst: 10 }]);
    const client = await connected();
    const later = postgresStore({ client, table, time: { now: () => 1_010_000 } });
    const earlier = postgresStore({ client: pool, table, time: { now: () => 1_000_000 } });
    await earlier.consume(rules, "k", 1);
    await client.query("BEGIN");
    await later.consume(rules, "k", 5);
    const waiting = earlier.consume(rules, "k", 5);
    await client.query("COMMIT");
    expect((await waiting).used).toEqual([10_000]);
    expect((await later.peek(rules, "k")).used).toEqual([10_000]);
    await client.end();
  });
});

describe("a connection with an open transaction", () => {
  it("takes nothing for good until the transaction is committed", async () => {
    const rules = compileRules("transaction", ["10/day"]);
    const client = await connected();
    const inside = postgresStore({ client, table });
    await client.query("BEGIN");
    expect((await inside.consume(rules, "k", 4)).outcome).toBe("passed");
    expect((await inside.consumeMany([{ rules, key: "k", cost: 4 }]))[0]?.outcome).toBe("passed");
    expect((await inside.consume(rules, "k", 4)).outcome).toBe("refused");
    await client.query("ROLLBACK");
    expect((await store.peek(rules, "k")).used).toEqual([0]);
    await client.end();
  });

  it("refills while the transaction lasts", async () => {
    const rules = compileRules("standing", [{ limit: 1, window: 20, burst: 1 }]);
    const client = await connected();
    const inside = postgresStore({ client, table });
    await client.query("BEGIN");
    // On a busy machine a call may take as long as a token: so it goes on until one was too early, and one after it passed.
    const outcomes: string[] = [];
    do outcomes.push((await inside.consume(rules, "k", 1)).outcome);
    while (outcomes.at(-2) !== "refused" || outcomes.at(-1) !== "passed");
    await client.query("COMMIT");
    await client.end();
    expect(outcomes[0]).toBe("passed");
  });

  it("keeps its keys locked, so that others decide on what it has taken", async () => {
    const rules = compileRules("waiting", ["10/day"]);
    const client = await connected();
    const inside = postgresStore({ client, table });
    await client.query("BEGIN");
    await inside.consume(rules, "k", 6);
    const outside = store.consume(rules, "k", 5);
    const first = await Promise.race([outside, store.peek(rules, "k")]);
    await client.query("COMMIT");
    await client.end();
    // A look needs no lock, and sees what is committed.
    expect(first.used).toEqual([0]);
    expect((await outside).outcome).toBe("refused");
  });
});

it("works behind PgBouncer, where each statement may go over another connection", async () => {
  await using bouncer = await startPgBouncer(url);
  const pools = Array.from({ length: 3 }, () => new pg.Pool({ connectionString: bouncer.url, max: 8 }));
  const rules = compileRules("bouncer", ["300/day"]);
  const stores = pools.map((client): PostgresStore => postgresStore({ client, table: `${table}_bounced` }));
  await Promise.all(stores.map((one) => one.ensureSchema()));
  let passed = 0;
  await Promise.all(
    stores.flatMap((one) =>
      Array.from({ length: 10 }, async () => {
        for (let round = 0; round < 10; round++) {
          const calls = ["a", "b"].map((key) => ({ rules, key, cost: 1 }));
          const readings = [await one.consume(rules, "a", 1), ...(await one.consumeMany(calls))];
          passed += readings.filter(({ outcome }) => outcome === "passed").length;
        }
      }),
    ),
  );
  expect(passed).toBe(600);
  expect(await stores[0]?.cleanUp()).toBe(0);
  await Promise.all(pools.map((one) => one.end()));
});

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
