import { createHash, randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApiKeys, type KeyStore, memoryKeyStore } from "../src/index.ts";
import { forge, setUp } from "./support.ts";

/** What the code under test asked of node:crypto. */
const work = vi.hoisted(() => ({ hashes: 0, comparisons: 0 }));

vi.mock(import("node:crypto"), async (importOriginal) => {
  const crypto = await importOriginal();
  return {
    ...crypto,
    hash: ((...args: Parameters<typeof crypto.hash>) => {
      work.hashes++;
      return crypto.hash(...args);
    }) as typeof crypto.hash,
    timingSafeEqual: (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
      work.comparisons++;
      return crypto.timingSafeEqual(a, b);
    },
  };
});

beforeEach(() => Object.assign(work, { hashes: 0, comparisons: 0 }));

const peppers = [{ id: "p", key: randomBytes(32) }];

describe("whoever guesses", () => {
  it.each([
    ["without a pepper", undefined, 1],
    ["under a pepper", peppers, 2],
    ["with a limiter", undefined, 2],
  ])("can't tell unknown, wrong, revoked and expired keys by the work they make, %s", async (name, given, hashes) => {
    const passes = async () => ({ allowed: true, remaining: 9, retryAfterMs: 0 });
    const failures = name === "with a limiter" ? { peek: passes, consume: passes } : undefined;
    const memory = memoryKeyStore();
    let lookUps = 0;
    const store = {
      ...memory,
      findSync: (id: string) => {
        lookUps++;
        return memory.findSync(id);
      },
    };
    const { keys, clock, create } = setUp({ store, peppers: given, failures });
    const [good, revoked, expired] = [await create(), await create(), await create({ expiresIn: 1 })];
    await keys.verify(good.plain);
    await keys.revoke(revoked.key.id);
    clock.advance(1);
    for (const text of [
      forge(),
      forge(good.key.id),
      revoked.plain,
      forge(revoked.key.id),
      expired.plain,
      forge(expired.key.id),
    ]) {
      Object.assign(work, { hashes: 0, comparisons: 0 });
      lookUps = 0;
      expect((await keys.verify(text)).ok).toBe(false);
      expect({ ...work, lookUps }).toEqual({ hashes, comparisons: failures ? 2 : 1, lookUps: 1 });
    }
  });

  it("gets nothing for a right checksum", async () => {
    const { keys, create } = setUp();
    const { key } = await create();
    for (let count = 0; count < 200; count++) {
      expect(await keys.verify(forge())).toMatchObject({ ok: false, reason: "unknown" });
      expect(await keys.verify(forge(key.id))).toMatchObject({ ok: false, reason: "wrong-secret" });
    }
  });

  it("makes no hash and no look-up for a wrong one", async () => {
    const { keys, create } = setUp({ peppers });
    const { plain } = await create();
    work.hashes = 0;
    for (const text of [`${plain.slice(0, -1)}!`, plain.toLowerCase(), `${plain} `, "x".repeat(1e6)]) {
      expect(await keys.verify(text)).toMatchObject({ reason: "malformed" });
    }
    expect(work.hashes).toBe(0);
  });
});

describe("whoever steals the rows", () => {
  const stolen = async () => {
    const { store, keys, create } = setUp({ peppers });
    const { plain, key } = await create();
    const record = store.findSync(key.id);
    if (!record) throw new Error("there is no record");
    return { store, keys, plain, key, digest: record.digest };
  };

  it("finds no key in them, nor can check a guess without the pepper", async () => {
    const { plain, digest } = await stolen();
    expect(Buffer.from(digest)).not.toEqual(createHash("sha256").update(plain).digest());
    expect(createApiKeys({ prefix: "acme", store: memoryKeyStore(), peppers }).format.parse(plain)).toBeDefined();
  });

  it("can't use what is in them as a key", async () => {
    const { keys, key, digest } = await stolen();
    const bytes = Buffer.from(digest);
    for (const text of [bytes.toString("hex"), bytes.toString("base64url"), bytes.toString("latin1"), key.id]) {
      expect(await keys.verify(text)).toMatchObject({ ok: false });
      expect(await keys.verify(`acme_live_${key.id}${text}`)).toMatchObject({ ok: false });
    }
  });
});

describe("whoever had a key", () => {
  it("has none from the moment that revoke resolves, also where a look-up is in flight", async () => {
    const memory = memoryKeyStore();
    const { findSync: _, ...rest } = memory;
    const started = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let slow = false;
    const store: KeyStore = {
      ...rest,
      async find(id, call) {
        if (slow && !call?.fresh) {
          started.resolve();
          await goOn.promise;
        }
        return memory.find(id, call);
      },
    };
    const keys = createApiKeys({ prefix: "acme", store });
    const { text, key } = await keys.create({ name: "export", owner: "ann" });
    slow = true;
    const inFlight = keys.verify(text.reveal());
    await started.promise;
    await keys.revoke(key.id);
    goOn.resolve();
    expect(await inFlight).toMatchObject({ ok: false, reason: "revoked" });
  });

  it("gains no time by rotating it again and again", async () => {
    const { keys, clock, create } = setUp();
    const first = await create({ expiresIn: "1h" });
    let id = first.key.id;
    for (let minute = 0; minute < 59; minute++) {
      clock.advance(60_000);
      const { key } = await keys.rotate(id, { grace: "365d" });
      id = key.id;
    }
    clock.advance(60_000);
    const now = clock.now();
    for (const key of await keys.list()) expect(key.expiresAt).toBeLessThanOrEqual(now);
    await expect(keys.rotate(id)).rejects.toThrow("it has expired");
  });
});

describe("whoever asks for more", () => {
  it("gets a key no wider by any spelling of everything", async () => {
    const { create } = setUp();
    const by = { id: "k1", scopes: ["datasets:*"] };
    const codes = {
      SCOPE_EXCEEDED: ["*:*", "*:read", "reports:read", "datasets:*:*"],
      INVALID_SCOPE: ["*", "a.**", "**", ""],
    };
    for (const [code, scopes] of Object.entries(codes)) {
      for (const scope of scopes) {
        await expect(create({ by, scopes: [scope] }), scope).rejects.toThrow(expect.objectContaining({ code }));
      }
    }
    for (const scope of ["DATASETS:READ", "data\u0455ets:read", "datasets:\uff0a", " datasets:read"]) {
      await expect(create({ by, scopes: [scope] })).rejects.toThrow(expect.objectContaining({ code: "INVALID_SCOPE" }));
    }
  });

  it("can't widen a key by changing what was handed out or in", async () => {
    const { keys, create } = setUp();
    const scopes = ["datasets:read"];
    const limits = { dataset: ["sales"] };
    const { plain } = await create({ scopes, limits });
    scopes.push("*:*");
    limits.dataset.push("hr");
    const verified = await keys.verify(plain);
    if (!verified.ok) throw new Error(verified.reason);
    expect(() => (verified.key.scopes as string[]).push("*:*")).toThrow(TypeError);
    expect(() => (verified.key.limits["dataset"] as string[]).push("hr")).toThrow(TypeError);
    Object.assign(verified.key, { owner: "root", scopes: ["*:*"] });
    expect(await keys.find(verified.key.id)).toMatchObject({ owner: "team-7", scopes: ["datasets:read"] });
    expect(await keys.verify(plain, { scope: "keys:admin" })).toMatchObject({ ok: false });
    expect(await keys.verify(plain, { limits: { dataset: "hr" } })).toMatchObject({ ok: false });
  });

  it("gets nothing for objects where texts are wanted", async () => {
    const { keys, create } = setUp();
    const { plain, key } = await create();
    const trick = { length: plain.length, toString: () => plain, startsWith: () => true, slice: () => key.id };
    for (const text of [trick, [plain], 7, true, null, new String(plain), { $ne: "" }, Symbol.iterator]) {
      expect(await keys.verify(text as never)).toMatchObject({ ok: false });
    }
    for (const scope of [["datasets:read"], { toString: () => "datasets:read" }, null, 7]) {
      expect(await keys.verify(plain, { scope: scope as never })).toMatchObject({ ok: false, reason: "missing-scope" });
    }
  });
});
