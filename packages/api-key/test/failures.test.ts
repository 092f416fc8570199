import { describe, expect, it } from "vitest";
import { type FailureLimiter, memoryKeyStore } from "../src/index.ts";
import { forge, setUp } from "./support.ts";

/** Lets a few through for each subject, and then nothing for a minute. */
function createLimiter(most: number) {
  const taken = new Map<string, number>();
  const asked: string[] = [];
  const limiter: FailureLimiter = {
    peek: async (subject) => {
      asked.push(subject);
      return { allowed: true, remaining: most - (taken.get(subject) ?? 0), retryAfterMs: 0 };
    },
    consume: async (subject) => {
      const used = taken.get(subject) ?? 0;
      if (used >= most) return { allowed: false, remaining: 0, retryAfterMs: 60_000 };
      taken.set(subject, used + 1);
      return { allowed: true, remaining: most - used - 1, retryAfterMs: 0 };
    },
  };
  return { limiter, taken, asked };
}

function setUpWith(failures: FailureLimiter, options: Parameters<typeof setUp>[0] = {}) {
  const memory = memoryKeyStore();
  const lookUps: string[] = [];
  const store = {
    ...memory,
    findSync: (id: string) => {
      lookUps.push(id);
      return memory.findSync(id);
    },
  };
  return { ...setUp({ ...options, store, failures }), lookUps };
}

const from = (address: string) => ({ facts: { address } });

describe("failures", () => {
  it("are counted by address, and shut the address out before the store is asked", async () => {
    const { limiter } = createLimiter(5);
    const { keys, lookUps } = setUpWith(limiter);
    for (let count = 0; count < 5; count++) {
      const refusal = await keys.verify(keys.format.make("live").text, from("192.0.2.1"));
      expect(refusal).toMatchObject({ reason: "unknown" });
    }
    const { id, text } = keys.format.make("live");
    const throttled = { ok: false, reason: "throttled", keyId: id, retryAfterMs: 60_000 };
    expect(await keys.verify(text, from("192.0.2.1"))).toEqual(throttled);
    expect(lookUps).toHaveLength(5);
    expect(await keys.verify(text, from("192.0.2.2"))).toMatchObject({ reason: "unknown" });
  });

  it("are counted by key id, whichever addresses they come from", async () => {
    const { limiter } = createLimiter(5);
    const { keys, lookUps } = setUpWith(limiter);
    const { id, text } = keys.format.make("live");
    for (let count = 0; count < 5; count++) await keys.verify(text, from(`192.0.2.${count}`));
    expect(await keys.verify(text, from("192.0.2.9"))).toMatchObject({ reason: "throttled", keyId: id });
    expect(await keys.verify(text)).toMatchObject({ reason: "throttled" });
    expect(lookUps).toHaveLength(5);
  });

  it("count alike for malformed, unknown, wrong, revoked and expired keys, by address", async () => {
    const { limiter, taken } = createLimiter(100);
    const { keys, clock, create } = setUpWith(limiter);
    const [revoked, expired] = [await create(), await create({ expiresIn: 1 })];
    await keys.revoke(revoked.key.id);
    clock.advance(1);
    const texts = ["junk", keys.format.make("live").text, keys.format.make("test").text, revoked.plain, expired.plain];
    for (const text of texts) await keys.verify(text, from("192.0.2.1"));
    expect(taken.get("address 192.0.2.1")).toBe(5);
  });

  it("don't count where a good key only lacks a scope, nor where there is no key", async () => {
    const { limiter, taken } = createLimiter(5);
    const { keys, create } = setUpWith(limiter);
    const { plain } = await create();
    await keys.verify(plain, { ...from("192.0.2.1"), scope: "keys:admin" });
    await keys.verify(undefined, from("192.0.2.1"));
    expect(taken.size).toBe(0);
  });

  it("are counted by an IPv6 client's network", async () => {
    const { limiter } = createLimiter(2);
    const { keys } = setUpWith(limiter);
    for (const address of ["2001:db8::1", "2001:DB8:0:1::2"]) {
      await keys.verify(keys.format.make("live").text, from(address));
    }
    const again = () => keys.verify(keys.format.make("live").text, from("2001:db8::ffff"));
    expect(await again()).toMatchObject({ reason: "throttled" });
    expect(await keys.verify(keys.format.make("live").text, from("2001:db8:1::1"))).toMatchObject({
      reason: "unknown",
    });
  });

  it("by others don't shut out who has shown a good key here lately", async () => {
    const { limiter, asked } = createLimiter(3);
    const { keys, create } = setUpWith(limiter);
    const { plain } = await create();
    expect((await keys.verify(plain, from("192.0.2.1"))).ok).toBe(true);
    for (let count = 0; count < 9; count++) await keys.verify(keys.format.make("live").text, from("192.0.2.1"));
    asked.length = 0;
    expect((await keys.verify(plain, from("192.0.2.1"))).ok).toBe(true);
    // Nor does it cost the limiter a call.
    expect(asked).toEqual([]);
  });

  it("shut out a key that was good once and is no longer", async () => {
    const { limiter } = createLimiter(3);
    const { keys, create, lookUps } = setUpWith(limiter);
    const { plain, key } = await create();
    await keys.verify(plain, from("192.0.2.1"));
    await keys.revoke(key.id);
    lookUps.length = 0;
    for (let count = 0; count < 9; count++) await keys.verify(plain, from("192.0.2.1"));
    expect(lookUps).toHaveLength(3);
  });

  it("by others can't take that from them by a forged key of the same id, in whichever environment", async () => {
    const { limiter } = createLimiter(2);
    const { keys, create } = setUpWith(limiter);
    const { plain, key } = await create();
    await keys.verify(plain, from("192.0.2.1"));
    for (const environment of ["live", "test", "live", "test"]) {
      await keys.verify(forge(key.id, environment), from("192.0.2.1"));
    }
    expect((await keys.verify(plain, from("192.0.2.1"))).ok).toBe(true);
  });

  it("are not forgotten for a wrong secret on the id of a good key", async () => {
    const { limiter } = createLimiter(2);
    const { keys, create } = setUpWith(limiter);
    const good = await create();
    await keys.verify(good.plain, from("192.0.2.1"));
    const forged = forge(good.key.id, "live");
    for (let count = 0; count < 2; count++) {
      expect(await keys.verify(forged, from("192.0.2.7"))).toMatchObject({ reason: "wrong-secret" });
    }
    expect(await keys.verify(forged, from("192.0.2.8"))).toMatchObject({ reason: "throttled" });
    expect((await keys.verify(good.plain, from("192.0.2.7"))).ok).toBe(true);
  });

  it("are not counted while the limiter is away, which is logged and lets nobody in", async () => {
    const logged: unknown[] = [];
    const logger = { trace() {}, debug() {}, info() {}, warn: (...args: unknown[]) => logged.push(args), error() {} };
    const error = new Error("no answer");
    const away: FailureLimiter = { peek: () => Promise.reject(error), consume: () => Promise.reject(error) };
    const { keys, create } = setUpWith(away, { logger });
    const { plain } = await create();
    expect(await keys.verify(keys.format.make("live").text, from("192.0.2.1"))).toMatchObject({ reason: "unknown" });
    expect((await keys.verify(plain, from("192.0.2.1"))).ok).toBe(true);
    expect(logged).toContainEqual([{ error }, expect.stringContaining("nobody is shut out")]);
  });

  it("are waited for no longer than the caller waits", async () => {
    const limiter: FailureLimiter = { peek: () => new Promise(() => {}), consume: () => new Promise(() => {}) };
    const { keys } = setUpWith(limiter);
    const controller = new AbortController();
    const verified = keys.verify(keys.format.make("live").text, { ...from("192.0.2.1"), signal: controller.signal });
    const reason = new Error("given up");
    controller.abort(reason);
    await expect(verified).rejects.toBe(reason);
  });
});
