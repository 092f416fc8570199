import { createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type CheckpointStore, createCheckpoints, type Lease, memoryStore, type StoreCall } from "../src/index.ts";

const TTL_MS = 30_000;

/** Checkpoints on a clock of their own, over a store some calls of which are others. */
function setUp(replaced: (store: CheckpointStore) => Partial<CheckpointStore>) {
  const store = memoryStore();
  const clock = createManualClock();
  const checkpoints = createCheckpoints<number>({ store: { ...store, ...replaced(store) }, clock });
  return { store, clock, checkpoints };
}

/** Never answers, and only hears the signal. */
function hang(call: StoreCall | undefined): Promise<never> {
  return new Promise((_, reject) => call?.signal?.addEventListener("abort", () => reject(call.signal?.reason)));
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) await clock.advanceAsync(500);
}

describe("a lease", () => {
  it("is left to its time where the store hangs when it is given back", async () => {
    const { clock, checkpoints } = setUp(() => ({ release: (_key, _fence, call) => hang(call) }));
    const done = checkpoints.withLease("orders", async () => "done", { ttl: TTL_MS });
    await pass(clock, TTL_MS + 500);
    expect(await done).toBe("done");
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(["read", "grant"] as const)(
    "is not waited for longer than wait where the store hangs in %s",
    async (name) => {
      const hanging = (...args: unknown[]) => hang(args.at(-1) as StoreCall);
      const { clock, checkpoints } = setUp(() => ({ [name]: hanging }));
      const waiting = checkpoints.withLease("orders", async () => "done", { ttl: TTL_MS, wait: "1m" });
      waiting.catch(() => {});
      await pass(clock, 60_500);
      await expect(waiting).rejects.toMatchObject({ code: "BUSY" });
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("is had by whoever is told that another was quicker, who is itself: its client has repeated a lost request", async () => {
    const { checkpoints } = setUp((store) => ({
      async grant(...args) {
        await store.grant(...args);
        return await store.grant(...args);
      },
    }));
    const holder = await checkpoints.withLease("orders", async (lease: Lease) => lease.holder, { wait: 0 });
    expect(holder).toContain(`:${process.pid}:`);
  });

  it("is lost to whoever has the same fence, since a failover took the first grant back, and is theirs to give back", async () => {
    const { store, clock, checkpoints } = setUp((store) => ({
      async renew(key, fence, call) {
        const outcome = await store.renew(key, fence, call);
        return outcome.ok ? { ok: true, entry: { ...outcome.entry, holder: "another" } } : outcome;
      },
    }));
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    let lease: Lease | undefined;
    const done = checkpoints.withLease(
      "orders",
      async (held) => {
        lease = held;
        await over;
      },
      { ttl: TTL_MS },
    );
    await pass(clock, TTL_MS / 2);
    expect(lease?.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    end();
    await done;
    expect((await store.read("orders"))?.holder).toBe(lease?.holder);
  });
});
