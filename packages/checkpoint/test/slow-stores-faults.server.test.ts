import { serverUrl, startFaultProxy } from "@holdfast/testing";
import { Redis } from "ioredis";
import pg from "pg";
import { expect, it } from "vitest";
import { type CheckpointError, type CheckpointStore, type Checkpoints, createCheckpoints } from "../src/index.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";

const TTL_MS = 100;
const DELAY_MS = 150;

interface Opened {
  readonly store: CheckpointStore;
  close(): Promise<unknown>;
}

const kinds = {
  async postgres(host: string, port: number): Promise<Opened> {
    const client = new pg.Pool({ host, port, user: "postgres", database: "postgres" });
    const store = postgresStore({ client, table: `slow_${process.pid}` });
    await store.ensureSchema();
    return { store, close: () => client.end() };
  },
  async redis(host: string, port: number): Promise<Opened> {
    const client = new Redis({ host, port });
    return { store: redisStore({ client, prefix: `{slow ${process.pid}}:` }), close: async () => client.disconnect() };
  },
};

interface Link {
  readonly fence: number;
  readonly follows: number;
}

/** Saves what follows what it has loaded, under a lease, without a look at whether that is lost. */
async function saveUnderLease(checkpoints: Checkpoints<Link>): Promise<{ isToldAtOnce: boolean }> {
  let isToldAtOnce = false;
  const work = checkpoints.withLease(
    "a",
    async (lease) => {
      isToldAtOnce = lease.signal.aborted;
      const loaded = await checkpoints.load("a");
      await checkpoints.save("a", { fence: lease.fence, follows: loaded?.version ?? 0 }, { lease });
    },
    { ttl: TTL_MS },
  );
  await work.catch((error: CheckpointError) => expect(error.code).toBe("STALE_LEASE"));
  return { isToldAtOnce };
}

it.each(["postgres", "redis"] as const)(
  "%s that answers later than a lease lasts: the work is told at once, and no stale save lands",
  { timeout: 60_000 },
  async (kind) => {
    const url = new URL(serverUrl(kind));
    await using proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) });
    const opened = await Promise.all([kinds[kind](proxy.host, proxy.port), kinds[kind](proxy.host, proxy.port)]);
    const checkpoints = opened.map(({ store }) => createCheckpoints<Link>({ store, history: 100 }));
    proxy.delay(DELAY_MS);
    const told = await Promise.all(
      checkpoints.map(async (one) => [await saveUnderLease(one), await saveUnderLease(one)]),
    );
    await proxy.heal();
    await Promise.all(checkpoints.map((one) => saveUnderLease(one)));

    const versions = (await checkpoints[0]!.versions("a")).toReversed();
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.map(({ value }) => value.follows)).toEqual([...versions.keys()]);
    const fences = versions.map(({ value }) => value.fence);
    expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    expect(told.flat()).toEqual(told.flat().map(() => ({ isToldAtOnce: true })));
    for (const { close } of opened) await close();
  },
);
