import { getEventListeners } from "node:events";
import { type Server, serverUrl, startFaultProxy, startPostgres } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileRules } from "../src/rule.ts";
import { postgresStore } from "../src/stores/postgres.ts";

const rules = compileRules("faults", ["100000/day"]);

function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url });
  // Of connections that break while nobody uses them.
  pool.on("error", () => {});
  return pool;
}

describe("when Postgres is killed under load and started again", () => {
  let server: Server;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = poolOf(server.url);
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it("calls reject meanwhile and pass afterwards; a logged table forgets nothing, an unlogged one everything", async () => {
    const logged = postgresStore({ client: pool });
    const unlogged = postgresStore({ client: pool, table: "unlogged", unlogged: true });
    for (const store of [logged, unlogged]) await store.ensureSchema();
    await unlogged.consume(rules, "k", 50_000);

    let answered = 0;
    let rejected = 0;
    let isOver = false;
    const { promise: loaded, resolve: isLoaded } = Promise.withResolvers<void>();
    const { promise: lost, resolve: isLost } = Promise.withResolvers<void>();
    const load = Promise.all(
      Array.from({ length: 16 }, async () => {
        while (!isOver) {
          try {
            const { outcome } = await logged.consume(rules, "k", 1);
            if (outcome === "passed" && ++answered === 200) isLoaded();
          } catch {
            if (++rejected === 50) isLost();
          }
        }
      }),
    );
    await loaded;
    await server.kill();
    await lost;
    await server.restart();
    const before = answered;
    while (answered < before + 200) await new Promise(setImmediate);
    isOver = true;
    await load;

    const missing = (used: readonly number[]) => (used[0] ?? 0) / (rules.rules[0]?.tokenUnits ?? 1);
    // A call that rejected may have taken its token, one that passed has. What refills meanwhile is a token or two a second.
    const spent = missing((await logged.peek(rules, "k")).used);
    expect(spent).toBeGreaterThan(answered - 60);
    expect(spent).toBeLessThanOrEqual(answered + rejected);
    expect(missing((await unlogged.peek(rules, "k")).used)).toBe(0);
    expect((await unlogged.consume(rules, "k", 1)).outcome).toBe("passed");
  });
});

describe("when the network is slow", () => {
  it("an aborted call rejects at once with the reason, leaves no listener, and the store goes on", async () => {
    const url = new URL(serverUrl("postgres"));
    await using proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const pool = poolOf(url.href);
    const store = postgresStore({ client: pool, table: `slow_${process.pid}_${Date.now()}` });
    await store.ensureSchema();
    await store.consume(rules, "k", 1);
    proxy.delay(2000);

    const reason = new Error("too slow");
    const calls = [
      (signal: AbortSignal) => store.consume(rules, "k", 1, { signal }),
      (signal: AbortSignal) => store.consumeMany([{ rules, key: "k", cost: 1 }], { signal }),
      (signal: AbortSignal) => store.peek(rules, "k", { signal }),
      (signal: AbortSignal) => store.reset(rules, "k", { signal }),
      (signal: AbortSignal) => store.cleanUp({ signal }),
    ];
    const started = performance.now();
    for (const call of calls) {
      const { signal, abort } = aborting(reason);
      const ended = call(signal);
      setImmediate(abort);
      await expect(ended).rejects.toBe(reason);
      expect(getEventListeners(signal, "abort")).toEqual([]);
    }
    expect(performance.now() - started).toBeLessThan(1000);

    await proxy.heal();
    expect((await store.consume(rules, "other", 1)).outcome).toBe("passed");
    await pool.end();
  });
});

function aborting(reason: Error): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(reason) };
}
