import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import { Redis } from "ioredis";
import pg from "pg";
import { createClient } from "redis";
import { describe, expect, it, vi } from "vitest";
import { createRateLimiter, type LeasingStore } from "../src/index.ts";
import { compileRules } from "../src/rule.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { newPrefix } from "./redis-clients.ts";

interface Counted extends AsyncDisposable {
  readonly store: LeasingStore;
  /** How often the server has been asked. */
  trips(): number;
}

const backends: readonly { readonly name: string; open(): Promise<Counted> }[] = [
  {
    name: "Redis by ioredis",
    async open() {
      const client = new Redis(serverUrl("redis"));
      const spies = [vi.spyOn(client, "evalsha"), vi.spyOn(client, "eval")];
      return {
        store: redisStore({ client, prefix: newPrefix() }),
        trips: () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0),
        [Symbol.asyncDispose]: async () => client.disconnect(),
      };
    },
  },
  {
    name: "Redis by redis",
    async open() {
      const client = createClient({ url: serverUrl("redis") });
      await client.connect();
      const spies = [vi.spyOn(client, "evalSha"), vi.spyOn(client, "eval")];
      return {
        store: redisStore({ client, prefix: newPrefix() }),
        trips: () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0),
        [Symbol.asyncDispose]: async () => client.destroy(),
      };
    },
  },
  {
    name: "Postgres",
    async open() {
      const client = new pg.Pool({ connectionString: serverUrl("postgres") });
      const store = postgresStore({ client, table: `trips_${randomBytes(4).toString("hex")}` });
      await store.ensureSchema();
      const spy = vi.spyOn(client, "query");
      return { store, trips: () => spy.mock.calls.length, [Symbol.asyncDispose]: () => client.end() };
    },
  },
];

const eight = Array.from({ length: 8 }, (_, index) => ({ limit: 10 + index, window: "1d", name: `rule ${index}` }));

describe.each(backends)("on $name", ({ open }) => {
  it("a decision by eight rules is one round trip, all or nothing, with the longest wait", async () => {
    await using counted = await open();
    const limiter = createRateLimiter({ rules: eight, store: counted.store, whenStoreFails: "reject" });
    // Redis learns the script by the first.
    expect((await limiter.consume("k", { cost: 10 })).remaining).toBe(0);
    const before = counted.trips();
    const refused = await limiter.consume("k", { cost: 2 });
    expect(counted.trips() - before).toBe(1);
    expect(refused.allowed).toBe(false);
    expect(refused.rules.map(({ remaining }) => remaining)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(refused.rules.map(({ fits }) => fits)).toEqual([false, false, true, true, true, true, true, true]);
    expect(refused.retryAfterMs).toBe(Math.max(...refused.rules.map(({ waitMs }) => waitMs)));
  });

  it("fifty calls at once are one round trip, for one key or for many", async () => {
    await using counted = await open();
    const rules = compileRules("many", ["30/day"]);
    await counted.store.consume(rules, "before", 1);
    const before = counted.trips();
    const callsOn = (keyOf: (n: number) => string) =>
      Array.from({ length: 50 }, (_, n) => ({ rules, key: keyOf(n), cost: 1 }));
    const oneKey = await counted.store.consumeMany?.(callsOn(() => "k"));
    expect(oneKey?.filter(({ outcome }) => outcome === "passed")).toHaveLength(30);
    await counted.store.consumeMany?.(callsOn((n) => `k${n}`));
    expect(counted.trips() - before).toBe(2);
  });

  it("a lease is one round trip, what is given back included", async () => {
    await using counted = await open();
    const rules = compileRules("lease", ["30/day"]);
    const ask = (id: string, returned?: { readonly id: string; readonly unspent: number }) =>
      counted.store.lease(rules, "k", { id, tokens: 10, least: 1, ttlMs: 10_000, returned });
    // Redis learns the script by the first.
    await ask("one");
    const before = counted.trips();
    expect(await ask("two", { id: "one", unspent: 4 })).toMatchObject({ outcome: "passed", lent: 10 });
    expect(counted.trips() - before).toBe(1);
  });
});

it("a row in Postgres is updated in its page, without a new entry in the index", async () => {
  const client = new pg.Client(serverUrl("postgres"));
  await client.connect();
  const table = `hot_${randomBytes(4).toString("hex")}`;
  const store = postgresStore({ client, table });
  await store.ensureSchema();
  const rules = compileRules("hot", ["1000/day"], { refusals: 5, within: "1d", block: "1d" });
  await store.consumeMany(Array.from({ length: 100 }, (_, n) => ({ rules, key: `k${n}`, cost: 1 })));
  await client.query("BEGIN");
  const calls = [
    () => store.consume(rules, "k3", 1),
    () => store.consumeMany([{ rules, key: "k4", cost: 1 }]),
    () => store.refund(rules, "k5", 1),
    () => store.block(rules, "k6", 1000),
    () => store.unblock(rules, "k6"),
    () => store.reset(rules, "k7"),
    () => store.lease(rules, "k8", { id: "one", tokens: 10, least: 1, ttlMs: 1000 }),
    () => store.consume(rules, "k8", 1),
    () =>
      store.lease(rules, "k8", { id: "two", tokens: 5, least: 1, ttlMs: 1000, returned: { id: "one", unspent: 5 } }),
  ];
  for (const call of calls) await call();
  const { rows } = await client.query(
    `SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot FROM pg_stat_xact_user_tables WHERE relname = '${table}'`,
  );
  await client.query("COMMIT");
  await client.end();
  expect(rows).toEqual([{ updates: calls.length, hot: calls.length }]);
});
