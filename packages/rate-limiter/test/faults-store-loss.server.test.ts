// What callers of a limiter see of a shared store that is slow, or dies and comes back: decisions, never an exception.

import { randomBytes } from "node:crypto";
import { type Server, type ServerName, serverUrl, startFaultProxy, startPostgres, startRedis } from "@holdfast/testing";
import { describe, expect, it } from "vitest";
import { createRateLimiter, type RateLimitStore, type StoreEvent, withLeases } from "../src/index.ts";
import { lendingStores } from "./lending-stores.ts";

interface OpenStore extends AsyncDisposable {
  readonly store: RateLimitStore;
}

interface Backend {
  readonly name: string;
  readonly server: ServerName;
  start(): Promise<Server>;
  open(url: string): Promise<OpenStore>;
}

const backends = lendingStores.flatMap(({ library, server, open }): Backend[] => {
  const start = server === "redis" ? () => startRedis() : () => startPostgres();
  const openNew = (url: string) => open(url, { space: `loss_${randomBytes(6).toString("hex")}` });
  return [
    { name: `${server} by ${library}`, server, start, open: openNew },
    {
      name: `leases over ${server} by ${library}`,
      server,
      start,
      async open(url) {
        const { store, ...rest } = await openNew(url);
        return { ...rest, store: withLeases(store, { tokens: 20, ttl: 50 }) };
      },
    },
  ];
});

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
    const more = async (outcome: string, calls: number): Promise<void> => {
      for (const wanted = (counts[outcome] ?? 0) + calls; (counts[outcome] ?? 0) < wanted; ) await turn();
    };
    const untilUp = async (): Promise<void> => {
      while (events.at(-1) !== "up") await turn();
    };

    await more("allowed", 200);
    await server.kill();
    await more("degraded", 200);
    await server.restart();
    const restarted = performance.now();
    await untilUp();
    await more("allowed", 1);
    const back = performance.now();
    await more("allowed", 200);
    const busy = performance.now();
    // A machine with much else to do may be late with a call once more: then it is down and up again.
    await untilUp();
    running = false;
    await Promise.all(callers);

    expect(failures).toEqual([]);
    expect(Object.keys(counts).sort()).toEqual(["allowed", "degraded"]);
    expect(back - restarted).toBeLessThan(1000);
    expect(busy - back).toBeLessThan(1000);
    expect(slowestMs).toBeLessThan(DEADLINE_MS + LATE_MS);
    expect(events.at(0)).toBe("down");
  });
});
