import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createApiKeys, type KeyStore, memoryKeyStore } from "../src/index.ts";
import { forge, NOW, setUp } from "./support.ts";

describe("verify", () => {
  it("accepts a key with what was kept of it", async () => {
    const { keys, create } = setUp();
    const { plain, key } = await create({ limits: { dataset: ["sales"] }, metadata: { ticket: "T-1" } });
    expect(await keys.verify(plain)).toEqual({ ok: true, key });
  });

  it("says for itself why it refuses: missing, malformed, unknown, wrong, revoked, expired", async () => {
    const { keys, clock, create } = setUp();
    const [good, revoked, expired] = [await create(), await create(), await create({ expiresIn: 1000 })];
    await keys.revoke(revoked.key.id);
    clock.advance(1000);
    const unknown = keys.format.make("live");
    const outcomes: [string | undefined, string, string?][] = [
      [undefined, "missing"],
      ["", "missing"],
      ["acme_live_", "malformed"],
      [good.plain.slice(0, -1), "malformed"],
      [unknown.text, "unknown", unknown.id],
      [forge(good.key.id), "wrong-secret", good.key.id],
      [revoked.plain, "revoked", revoked.key.id],
      [forge(revoked.key.id), "wrong-secret", revoked.key.id],
      [expired.plain, "expired", expired.key.id],
    ];
    for (const [text, reason, keyId] of outcomes) expect(await keys.verify(text)).toEqual({ ok: false, reason, keyId });
  });

  it("refuses a key until the millisecond of its end, and from it on", async () => {
    const { keys, clock, create } = setUp();
    const { plain } = await create({ expiresIn: 1000 });
    clock.advance(999);
    expect((await keys.verify(plain)).ok).toBe(true);
    clock.advance(1);
    expect((await keys.verify(plain)).ok).toBe(false);
  });

  it("refuses a key of another environment without a look at the store", async () => {
    const test = setUp({ environments: ["test"] });
    const { plain } = await test.create();
    const live = setUp({ store: test.store });
    expect(await live.keys.verify(plain)).toMatchObject({ ok: false, reason: "wrong-environment" });
    expect((await setUp({ store: test.store, environments: ["live", "test"] }).keys.verify(plain)).ok).toBe(true);
    // Where nobody has said that there is such an environment, it is a text like any other.
    expect(await setUp({ otherEnvironments: [] }).keys.verify(plain)).toMatchObject({ reason: "malformed" });
  });

  it("never asks the store for what is malformed", async () => {
    const memory = memoryKeyStore();
    let asked = 0;
    const { findSync: _, ...asynchronous } = memory;
    const store: KeyStore = {
      ...asynchronous,
      find: (id, call) => {
        asked++;
        return memory.find(id, call);
      },
    };
    const keys = createApiKeys({ prefix: "acme", store });
    const plain = (await keys.create({ name: "export", owner: "ann" })).text.reveal();
    for (let at = 0; at < plain.length; at++) {
      const other = plain[at] === "x" ? "y" : "x";
      expect(await keys.verify(plain.slice(0, at) + other + plain.slice(at + 1))).toMatchObject({
        reason: "malformed",
      });
    }
    expect(asked).toBe(0);
    expect((await keys.verify(plain)).ok).toBe(true);
    expect(asked).toBe(1);
  });

  it("settles at once where the store is in this process and nobody else is asked", async () => {
    const { keys, create } = setUp();
    const { plain } = await create();
    let steps = 0;
    const verified = keys.verify(plain, { scope: "datasets:read" });
    void Promise.resolve().then(() => steps++);
    await verified;
    // One turn of the microtask queue, which any promise takes.
    expect(steps).toBeLessThanOrEqual(1);
  });

  it("rejects with what the store rejects with, and lets nobody in", async () => {
    const { findSync: _, ...memory } = memoryKeyStore();
    const failure = new Error("the database is gone");
    const keys = createApiKeys({ prefix: "acme", store: { ...memory, find: () => Promise.reject(failure) } });
    await expect(keys.verify(keys.format.make("live").text)).rejects.toBe(failure);
    await expect(keys.identify(keys.format.make("live").text)).rejects.toBe(failure);
  });

  it("rejects with the reason of an aborted signal", async () => {
    const { keys, create } = setUp();
    const { plain } = await create();
    const reason = new Error("given up");
    await expect(keys.verify(plain, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("what is asked of a key", () => {
  it("is a scope that it holds", async () => {
    const { keys, create } = setUp();
    const { plain, key } = await create({ scopes: ["datasets:*"] });
    expect((await keys.verify(plain, { scope: "datasets:read" })).ok).toBe(true);
    for (const scope of ["reports:read", "datasets:*", "datasets", "", "DATASETS:READ", "datasets:read:all"]) {
      const refusal = { ok: false, reason: "missing-scope", keyId: key.id };
      expect(await keys.verify(plain, { scope })).toEqual(refusal);
      expect(await keys.authorise(key, { scope })).toEqual(refusal);
    }
  });

  it("is a value that it is confined to", async () => {
    const { keys, create } = setUp();
    const { plain, key } = await create({ limits: { dataset: ["sales"] } });
    const ask = (dataset: string) => ({ scope: "datasets:read", limits: { dataset } });
    expect((await keys.verify(plain, ask("sales"))).ok).toBe(true);
    expect(await keys.verify(plain, ask("hr"))).toEqual({ ok: false, reason: "outside-limits", keyId: key.id });
    expect((await keys.authorise(key, ask("sales"))).ok).toBe(true);
    expect(await keys.authorise(key, ask("hr"))).toMatchObject({ ok: false, reason: "outside-limits" });
  });

  it("is what its owner may still do", async () => {
    const rights = new Set(["ann datasets:read"]);
    const { keys, create } = setUp({ ownerMay: async (owner, scope) => rights.has(`${owner} ${scope}`) });
    const { plain, key } = await create({ owner: "ann", scopes: ["datasets:*"] });
    const asked = async () => [
      (await keys.verify(plain, { scope: "datasets:read" })).ok,
      (await keys.authorise(key, { scope: "datasets:read" })).ok,
      (await keys.verify(plain, { scope: "datasets:write" })).ok,
      (await keys.verify(plain)).ok,
    ];
    expect(await asked()).toEqual([true, true, false, true]);
    rights.clear();
    expect(await asked()).toEqual([false, false, false, true]);
  });

  it("is not had where the question after the owner's rights fails, or has no plain answer", async () => {
    const down = new Error("the directory is gone");
    const { keys, create } = setUp({ ownerMay: () => Promise.reject(down) });
    const { plain } = await create();
    await expect(keys.verify(plain, { scope: "datasets:read" })).rejects.toBe(down);
    const vague = setUp({ ownerMay: async () => "no" as never });
    expect((await vague.keys.verify((await vague.create()).plain, { scope: "datasets:read" })).ok).toBe(false);
  });
});

describe("identify", () => {
  it("tells whose key a text is, whether it is still good or not, as no use and no failure", async () => {
    const { keys, store, told, create } = setUp({ environments: ["live", "test"] });
    const { plain, key } = await create({ environment: "test" });
    expect(await keys.identify(plain)).toEqual(key);
    const revoked = await keys.revoke(key.id);
    told.length = 0;
    expect(await keys.identify(plain)).toEqual(revoked);
    for (const text of [forge(key.id), keys.format.make("live").text, "ghp_x", ""]) {
      expect(await keys.identify(text)).toBeUndefined();
    }
    expect(told).toEqual([]);
    expect(store.findSync(key.id)?.lastUsedAt).toBeNull();
  });
});

describe("peppers", () => {
  const old = { id: "old", key: randomBytes(32) };
  const current = { id: "new", key: randomBytes(32) };

  it("are changed by a ring: keys under an old one are accepted, and put under the new one when they are used", async () => {
    const before = setUp({ peppers: [old] });
    const { plain, key } = await before.create();
    const { keys, store, told } = setUp({ store: before.store, peppers: [current, old] });
    expect((await keys.verify(plain)).ok).toBe(true);
    await keys.close();
    expect(store.findSync(key.id)).toMatchObject({ pepperId: "new", version: 2 });
    expect(told).toContainEqual(["changed", { change: "re-peppered", keyId: key.id, owner: "team-7", by: null }]);
    expect((await setUp({ store, peppers: [current] }).keys.verify(plain)).ok).toBe(true);
    expect(await setUp({ store, peppers: [old] }).keys.verify(plain)).toMatchObject({ reason: "wrong-secret" });
  });

  it("are put on keys that had none", async () => {
    const before = setUp();
    const { plain, key } = await before.create();
    const { keys, store } = setUp({ store: before.store, peppers: [current] });
    expect((await keys.verify(plain)).ok).toBe(true);
    await keys.close();
    expect(store.findSync(key.id)?.pepperId).toBe("new");
  });

  it("are not put on a key that is refused", async () => {
    const before = setUp({ peppers: [old] });
    const { plain, key } = await before.create();
    await before.keys.revoke(key.id);
    const { keys, store } = setUp({ store: before.store, peppers: [current, old] });
    await keys.verify(plain);
    await keys.verify(forge(key.id));
    await keys.close();
    expect(store.findSync(key.id)?.pepperId).toBe("old");
  });

  it("leave a key that was changed meanwhile to its next use", async () => {
    const before = setUp({ peppers: [old] });
    const { plain, key } = await before.create();
    const warnings: object[] = [];
    const logger = { trace() {}, debug() {}, info() {}, warn: (fields: object) => warnings.push(fields), error() {} };
    const { keys, store } = setUp({ store: before.store, peppers: [current, old], logger });
    const verified = keys.verify(plain);
    await keys.revoke(key.id);
    await verified;
    await keys.close();
    expect(store.findSync(key.id)).toMatchObject({ revokedAt: NOW });
    expect(warnings).toEqual([]);
  });
});

describe("options that won't do", () => {
  it.each([
    [{ prefix: "Acme" }, "The prefix"],
    [{ environments: [] }, "environments must name one at least"],
    [{ environments: ["any"] }, "The environments"],
    [{ peppers: [{ id: "p", key: "short" }] }, 'Pepper "p"'],
    [{ roles: { admin: ["**"] } }, '"**" is no scope'],
    [{ warnBefore: "soon" }, '"soon" is not a duration'],
  ])("are refused when keys are set up: %j", (options, message) => {
    expect(() => setUp(options)).toThrow(message);
  });
});
