// What callers of a limiter see of a shared store that is slow, or dies and comes back: decisions, never an exception.

import { type Server, serverUrl, startFaultProxy, startPostgres, startRedis } from "@holdfast/testing";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { createRateLimiter, type RateLimitStore, type StoreEvent, withLeases } from "../src/index.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { connectors, newPrefix } from "./redis-clients.ts";

interface OpenStore extends AsyncDisposable {
  readonly store: RateLimitStore;
}

interface Backend {
  readonly name: string;
  readonly server: "redis" | "postgres";
  start(): Promise<Server>;
  open(url: string): Promise<OpenStore>;
}

const onRedis = connectors.flatMap(([library, connect]): Backend[] => {
  const open = async (url: string) => {
    const connected = await connect(url);
    return { ...connected, store: redisStore({ client: connected.client, prefix: newPrefix() }) };
  };
  return [
    { name: `Redis by ${library}`, server: "redis", start: startRedis, open },
    {
      name: `leases over Redis by ${library}`,
      server: "redis",
      start: startRedis,
      async open(url) {
        const { store, ...rest } = await open(url);
        return { ...rest, store: withLeases(store, { tokens: 20, ttl: 50 }) };
      },
    },
  ];
});

const backends: readonly Backend[] = [
  ...onRedis,
  {
    name: "Postgres",
    server: "postgres",
    start: startPostgres,
    async open(url) {
      const pool = new pg.Pool({ connectionString: url });
      // Of connections that break while nobody uses them.
      pool.on("error", () => {});
      const store = postgresStore({ client: pool, table: `loss_${process.pid}` });
      await store.ensureSchema();
      return { store, [Symbol.asyncDispose]: () => pool.end() };
    },
  },
];

// Longer than a store that is well can take on a machine that is busy with other tests.
const DEADLINE_MS = 500;
// Beyond the deadline: how late a timer can be there.
const LATE_MS = 900;

function limiterOn(store: RateLimitStore) {
  const events: StoreEvent["state"][] = [];
  const limiter = createRateLimiter({
    rules: "1000000/hour",
    store,
    whenStoreFails: { mode: "fallback", deadline: DEADLINE_MS },
    on: { store: ({ state }) => events.push(state) },
  });
  return { limiter, events };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a store that takes two seconds is waited for once, for the deadline, and not at all after it:", () => {
  it.concurrent.each(backends)("$name", async ({ server: name, open }) => {
    const url = new URL(serverUrl(name));
    await using proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    await using opened = await open(url.href);
    const { limiter, events } = limiterOn(opened.store);
    await using _closed = limiter;
    const decide = async (key: string) => {
      const started = performance.now();
      const { outcome, allowed } = await limiter.consume(key);
      return { outcome, allowed, tookMs: performance.now() - started };
    };
    expect(await decide("before")).toMatchObject({ outcome: "allowed" });

    proxy.delay(2000);
    const first = await decide("first");
    expect(first).toMatchObject({ outcome: "degraded", allowed: true });
    expect(first.tookMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
    expect(first.tookMs).toBeLessThan(DEADLINE_MS + LATE_MS);
    // Long enough for several probes, which are slow too.
    for (const end = performance.now() + 1000; performance.now() < end; await turn()) {
      const later = await decide("later");
      expect(later).toMatchObject({ outcome: "degraded", allowed: true });
      expect(later.tookMs).toBeLessThan(DEADLINE_MS);
    }

    // What is on its way is still two seconds late; what follows is not.
    await proxy.heal();
    while ((await decide("healed")).outcome !== "allowed") await turn();
    expect(events).toEqual(["down", "up"]);
  });
});

describe("a store that is killed under load costs no decision, and all is normal within a second of its restart:", () => {
  it.each(backends)("$name", async ({ start, open }) => {
    await using server = await start();
    await using opened = await open(server.url);
    const { limiter, events } = limiterOn(opened.store);
    await using _closed = limiter;
    const counts: Record<string, number> = { allowed: 0, degraded: 0 };
    const failures: unknown[] = [];
    let slowestMs = 0;
    let running = true;
    const callers = Array.from({ length: 32 }, async (_, index) => {
      for (; running; await turn()) {
        const started = performance.now();
        try {
          const { outcome } = await limiter.consume(`k${index % 4}`);
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        } catch (error) {
          failures.push(error);
        }
        slowestMs = Math.max(slowestMs, performance.now() - started);
      }
    });
    const more = async (outcome: string): Promise<number> => {
      const started = performance.now();
      for (const wanted = (counts[outcome] ?? 0) + 200; (counts[outcome] ?? 0) < wanted; ) await turn();
      return performance.now() - started;
    };

    await more("allowed");
    await server.kill();
    await more("degraded");
    await server.restart();
    const backMs = await more("allowed");
    running = false;
    await Promise.all(callers);

    expect(failures).toEqual([]);
    expect(Object.keys(counts).sort()).toEqual(["allowed", "degraded"]);
    expect(backMs).toBeLessThan(1000);
    expect(slowestMs).toBeLessThan(DEADLINE_MS + LATE_MS);
    expect(events.at(0)).toBe("down");
    expect(events.at(-1)).toBe("up");
  });
});
