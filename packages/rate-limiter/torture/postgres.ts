// Several instances consume from the same keys in Postgres while it is killed, cut off, slowed down, and its rows are held locked.

import { setTimeout as wait } from "node:timers/promises";
import { type FaultProxy, type Server, startFaultProxy, startPostgres } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import pg from "pg";
import { compileRules, type RuleSet } from "../src/rule.ts";
import type { StoreReading } from "../src/store.ts";
import { type PostgresStore, postgresStore } from "../src/stores/postgres.ts";

const CALL_DEADLINE_MS = 300;
// How much later a call may settle, on a machine that is busy with other things.
const LATE_MS = 3000;
const HEALED_WITHIN_MS = 5000;

let server: Server | undefined;
let runs = 0;

export const torture: Torture = {
  name: "what passes through Postgres never exceeds burst + rate x time, also over a crash",
  sample: 5,

  async setUp() {
    server = await startPostgres();
  },

  async tearDown() {
    await server?.stop();
  },

  async run(random, { log, signal }) {
    if (!server) throw new Error("there is no server");
    if (server.pid === undefined) await server.restart();
    const rule = { limit: random.int(1, 300), window: random.int(100, 2000), burst: random.int(1, 200) };
    const penalty = random.chance(0.3) ? { refusals: random.int(1, 100), within: "10s", block: 50 } : undefined;
    const keys = Array.from({ length: random.int(1, 8) }, (_, index) => `k${index}`);
    log(JSON.stringify({ rule, penalty, keys: keys.length }));

    await using proxy = await startFaultProxy(server);
    await using instances = new AsyncDisposableStack();
    const stores: PostgresStore[] = [];
    for (let instance = random.int(2, 4); instance > 0; instance--) {
      const client = poolOf(`postgres://postgres@${proxy.host}:${proxy.port}/postgres`, random.int(1, 5));
      instances.defer(() => client.end());
      stores.push(postgresStore({ client, table: "torture" }));
    }
    await Promise.all(stores.map((store) => store.ensureSchema()));

    const rules = compileRules(`run ${runs++}`, [rule], penalty);
    const load = startLoad(stores, rules, keys, random);
    for (let faults = random.int(1, 6); faults > 0; faults--) {
      await wait(random.int(0, 150));
      const fault = random.pick(Object.keys(inflict));
      log(fault);
      await inflict[fault]?.(server, proxy, random);
      signal.throwIfAborted();
    }
    await Promise.all(stores.map((store) => passesAgain(store, rules)));
    const { passed, slowestMs, elapsedMs } = await load.stop();

    const allowed = rule.burst + (rule.limit * elapsedMs) / rule.window;
    log(`in ${elapsedMs} ms: ${[...passed.values()]} passed of ${allowed}`);
    if (slowestMs > CALL_DEADLINE_MS + LATE_MS) throw new Error(`a call took ${slowestMs} ms to settle`);
    for (const tokens of passed.values()) if (tokens > allowed) throw new Error(`${tokens} passed of ${allowed}`);
  },
};

function poolOf(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  // Of connections that break while nobody uses them.
  pool.on("error", () => {});
  return pool;
}

const inflict: Record<string, (server: Server, proxy: FaultProxy, random: Random) => Promise<void>> = {
  async kill(server, _proxy, random) {
    await server.kill();
    await wait(random.int(0, 100));
    await server.restart();
  },
  async endSessions(server) {
    await inSession(server, async (client) => {
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    });
  },
  /** As somebody does who consumes inside a long transaction. */
  async lockRows(server, _proxy, random) {
    await inSession(server, async (client) => {
      await client.query("BEGIN");
      await client.query("SELECT FROM torture WHERE random() < $1 FOR UPDATE SKIP LOCKED", [random.float()]);
      await wait(random.int(0, 500));
      await client.query(random.pick(["COMMIT", "ROLLBACK"]));
    });
  },
  async lockTable(server, _proxy, random) {
    await inSession(server, async (client) => {
      await client.query("BEGIN");
      await client.query("LOCK TABLE torture");
      await wait(random.int(0, 300));
      await client.query("COMMIT");
    });
  },
  async cut(_server, proxy, random) {
    proxy.cut();
    await wait(random.int(0, 200));
    await proxy.heal();
  },
  async losePower(_server, proxy, random) {
    proxy.halfOpen();
    await wait(random.int(0, 500));
    await proxy.heal();
  },
  async slowDown(_server, proxy, random) {
    proxy.delay(random.int(1, 500));
    await wait(random.int(0, 500));
    await proxy.heal();
  },
};

async function inSession(server: Server, act: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

/** Callers on every store, one call or many at a time, and who cleans up, until stopped. */
function startLoad(stores: readonly PostgresStore[], rules: RuleSet, keys: readonly string[], random: Random) {
  const passed = new Map(keys.map((key) => [key, 0]));
  const start = performance.now();
  let slowestMs = 0;
  let running = true;

  async function call(store: PostgresStore): Promise<void> {
    const signal = AbortSignal.timeout(CALL_DEADLINE_MS);
    const called = performance.now();
    const count = ({ outcome }: StoreReading, key: string, cost: number): void => {
      if (outcome === "passed") passed.set(key, (passed.get(key) ?? 0) + cost);
    };
    const any = () => ({ rules, key: random.pick(keys), cost: random.int(0, Math.min(5, rules.smallestBurst)) });
    try {
      if (random.chance(0.5)) {
        const { key, cost } = any();
        count(await store.consume(rules, key, cost, { signal }), key, cost);
      } else {
        const calls = Array.from({ length: random.int(1, 8) }, any);
        const readings = await store.consumeMany(calls, { signal });
        for (const [index, { key, cost }] of calls.entries()) count(readings[index] as StoreReading, key, cost);
      }
    } catch {
      // It may or may not have taken its cost: less may pass, never more.
    }
    slowestMs = Math.max(slowestMs, performance.now() - called);
  }

  const callers = stores.flatMap((store) => [
    ...Array.from({ length: random.int(1, 8) }, async () => {
      while (running) {
        await call(store);
        await wait(random.int(0, 5));
      }
    }),
    (async () => {
      while (running) {
        await store
          .cleanUp({ batch: random.int(1, 20), signal: AbortSignal.timeout(CALL_DEADLINE_MS) })
          .catch(() => {});
        await wait(random.int(0, 50));
      }
    })(),
  ]);
  return {
    async stop() {
      running = false;
      await Promise.all(callers);
      // Two more: Postgres' first and last millisecond may have begun before ours.
      return { passed, slowestMs, elapsedMs: performance.now() - start + 2 };
    },
  };
}

async function passesAgain(store: PostgresStore, rules: RuleSet): Promise<void> {
  const deadline = performance.now() + HEALED_WITHIN_MS;
  for (;;) {
    try {
      await store.consume(rules, "healed", 0, { signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(10);
    }
  }
}
