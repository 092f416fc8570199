import { describe, expect, it } from "vitest";
import { createApiKeys, type KeyStore, memoryKeyStore } from "../src/index.ts";
import { DAY, NOW, setUp } from "./support.ts";

const MINUTE = 60_000;

describe("the last use", () => {
  it("is kept at the first use at once, then at most once a minute", async () => {
    const memory = memoryKeyStore();
    const touches: number[] = [];
    const store = {
      ...memory,
      touch: (id: string, usedAt: number) => {
        touches.push(usedAt - NOW);
        return memory.touch(id, usedAt);
      },
    };
    const { keys, clock, create } = setUp({ store });
    const { plain, key } = await create();
    for (let second = 0; second < 150; second++) {
      await keys.verify(plain);
      clock.advance(1000);
    }
    await keys.close();
    expect(touches).toEqual([0, MINUTE, 2 * MINUTE]);
    expect((await keys.find(key.id))?.lastUsedAt).toBe(NOW + 2 * MINUTE);
  });

  it("is written once by many uses at the same time, also where the store answers from a copy", async () => {
    const memory = memoryKeyStore();
    let touches = 0;
    const copies = new Map<string, ReturnType<typeof memory.findSync>>();
    const { findSync: _, ...rest } = memory;
    const store: KeyStore = {
      ...rest,
      maxStaleMs: 5000,
      find: async (id) => {
        if (!copies.has(id)) copies.set(id, memory.findSync(id));
        return copies.get(id);
      },
      touch: (id, usedAt) => {
        touches++;
        return memory.touch(id, usedAt);
      },
    };
    const keys = createApiKeys({ prefix: "acme", store });
    const plain = (await keys.create({ name: "export", owner: "ann" })).text.reveal();
    await Promise.all(Array.from({ length: 50 }, () => keys.verify(plain)));
    await keys.close();
    expect([touches, keys.maxStaleMs]).toEqual([1, 5000]);
  });

  it("is not that of a refused key", async () => {
    const { keys, store, create } = setUp();
    const { plain, key } = await create();
    await keys.revoke(key.id);
    await keys.verify(plain);
    await keys.close();
    expect(store.findSync(key.id)?.lastUsedAt).toBeNull();
  });

  it("is not waited for, and logged where it can't be written, without the key", async () => {
    const logged: unknown[] = [];
    const logger = { trace() {}, debug() {}, info() {}, warn: (...args: unknown[]) => logged.push(args), error() {} };
    const error = new Error("read-only replica");
    const { keys, create } = setUp({ store: { ...memoryKeyStore(), touch: () => Promise.reject(error) }, logger });
    const { plain, key } = await create();
    expect((await keys.verify(plain)).ok).toBe(true);
    await keys.close();
    expect(logged).toEqual([[{ error, keyId: key.id }, "The last use of an API key could not be written"]]);
  });

  it("is waited for by close, and by await using", async () => {
    const memory = memoryKeyStore();
    const { promise, resolve } = Promise.withResolvers<void>();
    let written = false;
    {
      await using keys = createApiKeys({
        prefix: "acme",
        store: {
          ...memory,
          touch: () =>
            promise.then(() => {
              written = true;
            }),
        },
      });
      await keys.verify((await keys.create({ name: "export", owner: "ann" })).text.reveal());
      resolve();
    }
    expect(written).toBe(true);
  });

  it("does not grow with the keys that were ever used", async () => {
    const { keys, clock, create } = setUp();
    const first = await create();
    await keys.verify(first.plain);
    for (let count = 0; count < 10_050; count++) await keys.verify((await create()).plain);
    clock.advance(1000);
    expect((await keys.verify(first.plain)).ok).toBe(true);
  });
});

describe("the end of a key", () => {
  it("is told of when it is used within 14 days of it, once a day", async () => {
    const { keys, clock, told, create } = setUp();
    const { plain, key } = await create({ expiresIn: "30d", owner: "ann" });
    const days: number[] = [];
    for (let hour = 0; hour < 24 * 30; hour++) {
      told.length = 0;
      await keys.verify(plain);
      for (const [name, event] of told) {
        if (name !== "expiring") continue;
        days.push(hour / 24);
        expect(event).toEqual({ keyId: key.id, owner: "ann", expiresAt: NOW + 30 * DAY });
      }
      clock.advance(DAY / 24);
    }
    expect(days).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
  });

  it("is told of as long before as the options say", async () => {
    const { keys, clock, told, create } = setUp({ warnBefore: "1h" });
    const { plain } = await create({ expiresIn: "2h" });
    await keys.verify(plain);
    expect(told.filter(([name]) => name === "expiring")).toEqual([]);
    clock.advance(3_600_000);
    await keys.verify(plain);
    expect(told.filter(([name]) => name === "expiring")).toHaveLength(1);
  });

  it("is not told of for a key without one", async () => {
    const { keys, told, create } = setUp();
    await keys.verify((await create()).plain);
    expect(told.filter(([name]) => name === "expiring")).toEqual([]);
  });
});
