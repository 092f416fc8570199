import { describe, expect, it } from "vitest";
import { ApiKeyError, createApiKeys, defineRoles, type KeyStore, memoryKeyStore } from "../src/index.ts";
import { DAY, NOW, setUp } from "./support.ts";

const withCode = (code: string) => expect.objectContaining({ code, name: "ApiKeyError" });

describe("create", () => {
  it("hands out the key once, in a Secret, and what is kept of it", async () => {
    const { create } = setUp();
    const { text, plain, key } = await create({ expiresIn: "90d", metadata: { ticket: "T-1" } });
    expect(plain).toMatch(/^acme_live_/);
    expect(`${text} ${JSON.stringify({ text })}`).toBe('[redacted] {"text":"[redacted]"}');
    expect(key).toEqual({
      id: plain.slice("acme_live_".length, "acme_live_".length + 12),
      environment: "live",
      name: "export",
      owner: "team-7",
      scopes: ["datasets:read"],
      limits: {},
      metadata: { ticket: "T-1" },
      createdAt: NOW,
      createdBy: null,
      expiresAt: NOW + 90 * DAY,
      revokedAt: null,
      revokedBecause: null,
      lastUsedAt: null,
      successorId: null,
    });
  });

  it("keeps neither the key nor its secret", async () => {
    const { store, create } = setUp();
    const { plain, key } = await create();
    const kept = JSON.stringify(store.findSync(key.id));
    expect(kept).not.toContain(plain.slice(-34));
    expect(kept).not.toContain(plain.slice(-34, -6));
  });

  it("never makes the same key twice", async () => {
    const { create } = setUp();
    const made = await Promise.all(Array.from({ length: 500 }, () => create()));
    expect(new Set(made.map(({ plain }) => plain)).size).toBe(500);
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(500);
  });

  it("takes the scopes of a role beside the key's own, as the role is now", async () => {
    const roles = defineRoles({ reader: ["datasets:read", "reports:read"] });
    const { create } = setUp({ roles });
    expect((await create({ scopes: ["a:b", "datasets:read"], role: "reader" })).key.scopes).toEqual([
      ...["a:b", "datasets:read", "reports:read"],
    ]);
    await expect(create({ role: "admin" })).rejects.toThrow('There is no role "admin"; there are reader');
    await expect(create({ role: "constructor" })).rejects.toThrow(withCode("INVALID_OPTION"));
  });

  it("makes keys of the environment that is asked for, if there is one", async () => {
    const { create } = setUp({ environments: ["live", "eu"] });
    expect((await create()).key.environment).toBe("live");
    expect((await create({ environment: "eu" })).plain).toMatch(/^acme_eu_/);
    await expect(create({ environment: "us" })).rejects.toThrow(withCode("INVALID_OPTION"));
  });

  it("gives a key that holds nothing where no scope is asked for", async () => {
    const { keys, create } = setUp();
    const { plain } = await create({ scopes: [] });
    expect(await keys.verify(plain)).toMatchObject({ ok: true });
    expect(await keys.verify(plain, { scope: "datasets:read" })).toMatchObject({ ok: false, reason: "missing-scope" });
  });

  it.each([
    [{ name: "" }, "INVALID_OPTION"],
    [{ name: "a".repeat(201) }, "INVALID_OPTION"],
    [{ name: "two\nlines" }, "INVALID_OPTION"],
    [{ name: "\ud800" }, "INVALID_OPTION"],
    [{ name: { $gt: "" } }, "INVALID_OPTION"],
    [{ owner: 7 }, "INVALID_OPTION"],
    [{ owner: ["team-7"] }, "INVALID_OPTION"],
    [{ metadata: { a: 1 } }, "INVALID_OPTION"],
    [{ metadata: { a: "\0" } }, "INVALID_OPTION"],
    [{ metadata: [] }, "INVALID_OPTION"],
    [{ metadata: "text" }, "INVALID_OPTION"],
    [{ metadata: null }, "INVALID_OPTION"],
    [{ metadata: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, ""])) }, "INVALID_OPTION"],
    [{ scopes: ["**"] }, "INVALID_SCOPE"],
    [{ scopes: [7] }, "INVALID_SCOPE"],
    [{ scopes: "a:b" }, "INVALID_SCOPE"],
    [{ scopes: null }, "INVALID_SCOPE"],
    [{ scopes: { length: 1, 0: "a:b" } }, "INVALID_SCOPE"],
    [{ limits: [] }, "INVALID_SCOPE"],
    [{ limits: { dataset: "sales" } }, "INVALID_SCOPE"],
    [{ limits: null }, "INVALID_SCOPE"],
    [{ expiresIn: 0 }, "INVALID_OPTION"],
    [{ expiresIn: -1 }, "INVALID_DURATION"],
    [{ expiresIn: "soon" }, "INVALID_DURATION"],
  ])("refuses %j", async (fields, code) => {
    const { keys, create } = setUp();
    await expect(create(fields as never)).rejects.toThrow(expect.objectContaining({ code }));
    expect(await keys.list()).toEqual([]);
  });
});

describe("nobody makes a key wider than their own: create", () => {
  const grantor = { id: "k1", scopes: ["datasets:*", "keys:admin"], limits: { dataset: ["sales", "stock"] } };

  it("hands on what the grantor holds, and remembers who it was", async () => {
    const { create } = setUp();
    const { key } = await create({ by: grantor, scopes: ["datasets:read"], limits: { dataset: ["sales"] } });
    expect(key.createdBy).toBe("k1");
  });

  it.each([
    [["reports:read"], { dataset: ["sales"] }],
    [["*:read"], { dataset: ["sales"] }],
    [["*:*"], { dataset: ["sales"] }],
    [["datasets:read"], {}],
    [["datasets:read"], { tenant: ["7"] }],
    [["datasets:read"], { dataset: ["sales", "hr"] }],
  ])("refuses %j within %j", async (scopes, limits) => {
    const { keys, create } = setUp();
    await expect(create({ by: grantor, scopes, limits })).rejects.toThrow(withCode("SCOPE_EXCEEDED"));
    expect(await keys.list()).toEqual([]);
  });

  it("refuses a role that is wider", async () => {
    const { create } = setUp();
    const limits = { dataset: ["sales"] };
    await expect(create({ by: grantor, scopes: [], role: "admin", limits })).rejects.toThrow(
      withCode("SCOPE_EXCEEDED"),
    );
  });

  it("refuses another environment", async () => {
    const { create } = setUp({ environments: ["live", "test"] });
    const { key } = await create({ environment: "test", scopes: ["*:*"] });
    await expect(create({ by: key, environment: "live" })).rejects.toThrow(withCode("SCOPE_EXCEEDED"));
    expect((await create({ by: key, environment: "test" })).key.createdBy).toBe(key.id);
  });

  it("refuses what the grantor's owner may no longer do", async () => {
    const { create } = setUp({ ownerMay: (owner, scope) => owner === "ann" && scope === "datasets:read" });
    const by = { ...grantor, limits: {}, owner: "ann" };
    await create({ by, scopes: ["datasets:read"] });
    await expect(create({ by, scopes: ["datasets:write"] })).rejects.toThrow(withCode("SCOPE_EXCEEDED"));
    await expect(create({ by, scopes: ["datasets:*"] })).rejects.toThrow(withCode("SCOPE_EXCEEDED"));
  });
});

describe("list and find", () => {
  it("give keys in the order of their ids, by owner and alive alone", async () => {
    const { keys, clock, create } = setUp();
    const alive = await create({ owner: "ann" });
    const expired = await create({ owner: "ann", expiresIn: "1s" });
    const revoked = await create({ owner: "bob" });
    await keys.revoke(revoked.key.id);
    clock.advance(1000);
    const ids = [alive, expired, revoked].map(({ key }) => key.id).toSorted();
    expect((await keys.list()).map(({ id }) => id)).toEqual(ids);
    expect((await keys.list({ includeEnded: false })).map(({ id }) => id)).toEqual([alive.key.id]);
    expect((await keys.list({ owner: "bob" })).map(({ id }) => id)).toEqual([revoked.key.id]);
    expect((await keys.list({ limit: 1, after: ids[0] }))[0]?.id).toBe(ids[1]);
    expect(await keys.find(alive.key.id)).toEqual(alive.key);
    expect(await keys.find("nobody")).toBeUndefined();
  });

  it("never give a digest or a pepper", async () => {
    const { keys, create } = setUp();
    const { key } = await create();
    for (const one of [key, ...(await keys.list()), await keys.find(key.id)]) {
      expect(Object.keys(one ?? {})).not.toContain("digest");
      expect(Object.keys(one ?? {})).not.toContain("pepperId");
    }
  });

  it.each([0, 1001, 1.5, Number.NaN])("don't take a limit of %s", async (limit) => {
    await expect(setUp().keys.list({ limit })).rejects.toThrow(withCode("INVALID_OPTION"));
  });
});

describe("rotate", () => {
  it("makes a successor with the same rights, owner, environment and end, and links it", async () => {
    const { keys, create } = setUp({ environments: ["live", "eu"] });
    const fields = {
      environment: "eu",
      limits: { dataset: ["sales"] },
      metadata: { a: "b" },
      expiresIn: "90d",
    } as const;
    const old = await create(fields);
    const { text, key, previous } = await keys.rotate(old.key.id, { by: { id: "k9", scopes: ["*:*"] } });
    const { id: _, createdBy, ...same } = key;
    expect(old.key).toMatchObject({ ...same, createdBy: null });
    expect([key.id === old.key.id, createdBy, previous.successorId]).toEqual([false, "k9", key.id]);
    expect(await keys.verify(text.reveal())).toEqual({ ok: true, key });
  });

  it("lets the old key go on for the grace, a day unless told otherwise", async () => {
    const { keys, clock, create } = setUp();
    const [short, standard] = [await create(), await create()];
    await keys.rotate(short.key.id, { grace: "1h" });
    await keys.rotate(standard.key.id);
    const state = async () => [(await keys.verify(short.plain)).ok, (await keys.verify(standard.plain)).ok];
    clock.advance(3_600_000 - 1);
    expect(await state()).toEqual([true, true]);
    clock.advance(1);
    expect(await state()).toEqual([false, true]);
    clock.advance(DAY - 3_600_000);
    expect(await state()).toEqual([false, false]);
  });

  it("ends the old key at once with a grace of 0", async () => {
    const { keys, create } = setUp();
    const old = await create();
    const { text } = await keys.rotate(old.key.id, { grace: 0 });
    expect(await keys.verify(old.plain)).toMatchObject({ ok: false, reason: "expired" });
    expect((await keys.verify(text.reveal())).ok).toBe(true);
  });

  it("prolongs nothing: the grace ends with the old key, and so does the successor", async () => {
    const { keys, clock, create } = setUp();
    const old = await create({ expiresIn: "1h" });
    clock.advance(3_000_000);
    const { key, previous } = await keys.rotate(old.key.id, { grace: "30d" });
    expect([key.expiresAt, previous.expiresAt]).toEqual([NOW + 3_600_000, NOW + 3_600_000]);
  });

  it("takes a key that has been revoked, has expired or has a successor for what it is", async () => {
    const { keys, clock, create } = setUp();
    const [revoked, expired, rotated] = [await create(), await create({ expiresIn: "1s" }), await create()];
    await keys.revoke(revoked.key.id);
    await keys.rotate(rotated.key.id);
    clock.advance(1000);
    const before = await keys.list();
    for (const { key } of [revoked, expired, rotated]) {
      await expect(keys.rotate(key.id)).rejects.toThrow(withCode("CONFLICT"));
    }
    await expect(keys.rotate("nobody")).rejects.toThrow(withCode("NOT_FOUND"));
    expect(await keys.list()).toEqual(before);
  });

  it("of many at once succeeds once", async () => {
    const { keys, create } = setUp();
    const { key } = await create();
    const many = await Promise.allSettled(Array.from({ length: 20 }, () => keys.rotate(key.id)));
    expect(many.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await keys.list()).toHaveLength(2);
  });

  it("hands no wider key to whoever rotates than their own", async () => {
    const { keys, create } = setUp();
    const wide = await create({ scopes: ["*:*"] });
    const admin = await create({ scopes: ["keys:admin"] });
    await expect(keys.rotate(wide.key.id, { by: admin.key })).rejects.toThrow(withCode("SCOPE_EXCEEDED"));
    await keys.rotate(wide.key.id, { by: wide.key });
  });

  it("refuses a grace that is no duration before it changes anything", async () => {
    const { keys, create } = setUp();
    const { key } = await create();
    await expect(keys.rotate(key.id, { grace: "a while" })).rejects.toThrow(/is not a duration/);
    expect(await keys.list()).toEqual([key]);
  });
});

describe("revoke", () => {
  it("ends a key for good, and says why and when", async () => {
    const { keys, clock, create } = setUp();
    const { plain, key } = await create();
    clock.advance(5);
    expect(await keys.revoke(key.id, { because: "it leaked" })).toEqual({
      ...key,
      revokedAt: NOW + 5,
      revokedBecause: "it leaked",
    });
    expect(await keys.verify(plain)).toEqual({ ok: false, reason: "revoked", keyId: key.id });
  });

  it("changes nothing the second time", async () => {
    const { keys, clock, told, create } = setUp();
    const { key } = await create();
    const first = await keys.revoke(key.id, { because: "it leaked" });
    clock.advance(1000);
    expect(await keys.revoke(key.id, { because: "again" })).toEqual(first);
    expect(told.filter(([, event]) => "change" in event && event.change === "revoked")).toHaveLength(1);
  });

  it("gets through whatever else is changed at the same time", async () => {
    const memory = memoryKeyStore();
    let others = 3;
    const busy: KeyStore = {
      ...memory,
      async update(id, version, ...rest) {
        if (others-- > 0) await memory.update(id, version, { name: `changed ${others}` });
        return memory.update(id, version, ...rest);
      },
    };
    const keys = createApiKeys({ prefix: "acme", store: busy });
    const { key } = await keys.create({ name: "export", owner: "ann" });
    expect(await keys.revoke(key.id)).toMatchObject({ name: "changed 0", revokedAt: expect.any(Number) });
    others = 1000;
    const other = await keys.create({ name: "export", owner: "ann" });
    await expect(keys.revoke(other.key.id)).rejects.toThrow(withCode("CONFLICT"));
  });

  it("says that there is no such key, and does not repeat one that was given for an id", async () => {
    const { keys, create } = setUp();
    const { plain } = await create();
    await expect(keys.revoke("nobody")).rejects.toThrow(
      new ApiKeyError("NOT_FOUND", "There is no key of the id nobody"),
    );
    await expect(keys.revoke(plain)).rejects.toThrow(
      new ApiKeyError("NOT_FOUND", "There is no key of the id that was given"),
    );
  });
});
