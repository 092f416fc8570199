// The contract of KeyStore, one test for each sentence.

import assert from "node:assert/strict";
import type { KeyChange, KeyRecord, KeyStore } from "../key-store.ts";
import { contract, type MakeKeyStore, record, withCode } from "./harness.ts";

const LONG_AGO = 1;
const FAR_AHEAD = 8_000_000_000_000;

/**
 * One test for each sentence of the contract, to be registered with any runner.
 *
 * @example
 * for (const [sentence, test] of Object.entries(keyStoreContract)) {
 *   it(sentence, () => test(makeMyStore));
 * }
 */
export const keyStoreContract: Readonly<Record<string, (make: MakeKeyStore) => Promise<void>>> = {
  "finds a record as it was added, field by field": contract(async (store) => {
    const plain = record("a");
    const full = record("b", {
      pepperId: "2026-11",
      environment: "test",
      name: "naïve \u{1f511} 'name\"; --",
      scopes: [],
      limits: {},
      metadata: { "": "", "quoted \"'": "\n\t\\", __proto: "x" },
      createdBy: "a",
      expiresAt: FAR_AHEAD,
      revokedAt: 1_700_000_000_002,
      revokedBecause: "it leaked",
      lastUsedAt: 1_700_000_000_003,
      successorId: "c",
      version: 7,
    });
    await store.add([plain, full]);
    same(await store.find("a"), plain);
    same(await store.find("b"), full);
    if (store.findSync) same(store.findSync("b"), full);
  }),

  "finds nothing under an id that was not added, however alike": contract(async (store) => {
    await store.add([record("Aa1")]);
    for (const id of ["", "aa1", "AA1", "Aa", "Aa1 ", " Aa1", "Aa1x", "%", "A_1", "__proto__", "constructor", "*"]) {
      assert.equal(await store.find(id), undefined, id);
      if (store.findSync) assert.equal(store.findSync(id), undefined, id);
    }
  }),

  "asks the origin where it is told to": contract(async (store) => {
    assert.equal(await store.find("a", { fresh: true }), undefined);
    await store.add([record("a")]);
    same(await store.find("a", { fresh: true }), record("a"));
  }),

  "adds all records or none, and says CONFLICT where an id is there already": contract(async (store) => {
    await store.add([record("a")]);
    await assert.rejects(store.add([record("b"), record("a", { name: "another" })]), withCode("CONFLICT"));
    await assert.rejects(store.add([record("c"), record("c")]), withCode("CONFLICT"));
    same(await store.find("a"), record("a"));
    for (const id of ["b", "c"]) assert.equal(await store.find(id), undefined);
    await store.add([]);
  }),

  "changes the fields it is told to and no others, and the version by one": contract(async (store) => {
    const change: Required<KeyChange> = {
      digest: new Uint8Array(32).fill(7),
      pepperId: "2026-12",
      name: "renamed",
      owner: "someone else",
      scopes: ["a:b"],
      limits: { tenant: ["7"] },
      metadata: {},
      expiresAt: FAR_AHEAD,
      revokedAt: 1_700_000_000_009,
      revokedBecause: "done",
      successorId: "z",
    };
    for (const [index, [field, value]] of Object.entries(change).entries()) {
      const before = record(`k${index}`, { version: 41 });
      await store.add([before]);
      const after = await store.update(before.id, 41, { [field]: value });
      same(after, { ...before, [field]: value, version: 42 });
      same(await store.find(before.id, { fresh: true }), after);
    }
    await store.add([record("all", { revokedBecause: "x" })]);
    await store.update("all", 1, change);
    same(await store.update("all", 2, { expiresAt: null, pepperId: null }), {
      ...record("all"),
      ...change,
      expiresAt: null,
      pepperId: null,
      version: 3,
    });
  }),

  "changes nothing where the version is another, and says CONFLICT": contract(async (store) => {
    await store.add([record("a", { version: 3 })]);
    for (const version of [2, 4, 0]) {
      await assert.rejects(store.update("a", version, { name: "x" }, record("b")), withCode("CONFLICT"));
    }
    same(await store.find("a"), record("a", { version: 3 }));
    assert.equal(await store.find("b"), undefined);
  }),

  "changes nothing where there is no such record, and says NOT_FOUND": contract(async (store) => {
    await assert.rejects(store.update("a", 1, { name: "x" }, record("b")), withCode("NOT_FOUND"));
    assert.equal(await store.find("a"), undefined);
    assert.equal(await store.find("b"), undefined);
  }),

  "adds another record with a change: both or none": contract(async (store) => {
    await store.add([record("old"), record("taken")]);
    await assert.rejects(store.update("old", 1, { name: "x" }, record("taken")), withCode("CONFLICT"));
    same(await store.find("old"), record("old"));
    await store.update("old", 1, { successorId: "new" }, record("new"));
    same(await store.find("old", { fresh: true }), record("old", { successorId: "new", version: 2 }));
    same(await store.find("new"), record("new"));
  }),

  "lets one of many changes of the same version through": contract(async (store) => {
    await store.add([record("a")]);
    const many = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        store.update("a", 1, { name: `by ${index}` }, record(`successor${index}`)),
      ),
    );
    const won = many.filter(({ status }) => status === "fulfilled");
    assert.equal(won.length, 1);
    for (const one of many) if (one.status === "rejected") assert.ok(withCode("CONFLICT")(one.reason));
    const ids = (await store.list({})).map(({ id }) => id);
    assert.equal(ids.length, 2);
    assert.equal((await store.find("a", { fresh: true }))?.version, 2);
  }),

  "puts the last use forward and never back, and leaves the version": contract(async (store) => {
    await store.add([record("a")]);
    for (const [usedAt, kept] of [
      [1000, 1000],
      [3000, 3000],
      [2000, 3000],
    ] as const) {
      await store.touch("a", usedAt);
      same(await store.find("a", { fresh: true }), record("a", { lastUsedAt: kept }));
    }
    await store.update("a", 1, { name: "x" });
    await store.touch("unknown", 1000);
    assert.equal(await store.find("unknown"), undefined);
  }),

  "shows what was written to every call that starts later": contract(async (store) => {
    await store.add([record("a")]);
    for (let version = 1; version <= 5; version++) {
      await store.update("a", version, { name: `version ${version + 1}` });
      const [fresh, [listed]] = await Promise.all([store.find("a", { fresh: true }), store.list({})]);
      assert.equal(fresh?.name, `version ${version + 1}`);
      assert.equal(listed?.name, `version ${version + 1}`);
      if (store.maxStaleMs === undefined) assert.equal((await store.find("a"))?.version, version + 1);
    }
  }),

  "never changes a record that was handed in or out": contract(async (store) => {
    const given = record("a");
    await store.add([given]);
    const taken = await store.find("a");
    await store.update("a", 1, { scopes: ["x:y"], digest: new Uint8Array(32) });
    await store.touch("a", 5000);
    same(given, record("a"));
    same(taken, record("a"));
    // And whoever changes one in spite of its type does not change what is kept.
    given.digest.fill(0);
    assert.deepEqual((await store.find("a", { fresh: true }))?.scopes, ["x:y"]);
  }),

  "lists records in the order of their ids, character by character": contract(async (store) => {
    const ids = ["b", "a", "B", "A", "1", "10", "2", "aa", "Z", "z"];
    await store.add(ids.map((id) => record(id)));
    assert.deepEqual(await idsOf(store, {}), ids.toSorted());
    const [first] = await store.list({ limit: 1 });
    same(first, record("1"));
  }),

  "lists page by page": contract(async (store) => {
    const ids = Array.from({ length: 105 }, (_, index) => `k${String(index).padStart(3, "0")}`);
    await store.add(ids.map((id) => record(id)));
    assert.deepEqual(await idsOf(store, {}), ids.slice(0, 100));
    assert.deepEqual(await idsOf(store, { after: "k099" }), ids.slice(100));
    assert.deepEqual(await idsOf(store, { after: "k001", limit: 2 }), ["k002", "k003"]);
    assert.deepEqual(await idsOf(store, { limit: 1000 }), ids);
    assert.deepEqual(await idsOf(store, { after: "k104" }), []);
  }),

  "lists one owner's": contract(async (store) => {
    await store.add([record("a", { owner: "x" }), record("b", { owner: "X" }), record("c", { owner: "x" })]);
    assert.deepEqual(await idsOf(store, { owner: "x" }), ["a", "c"]);
    assert.deepEqual(await idsOf(store, { owner: "%" }), []);
  }),

  "leaves out what was revoked and what has expired where it is told to": contract(async (store) => {
    await store.add([
      record("alive"),
      record("expired", { expiresAt: LONG_AGO }),
      record("expiring", { expiresAt: FAR_AHEAD }),
      record("revoked", { revokedAt: LONG_AGO }),
    ]);
    assert.deepEqual(await idsOf(store, { includeEnded: false }), ["alive", "expiring"]);
    assert.deepEqual(await idsOf(store, { includeEnded: true }), ["alive", "expired", "expiring", "revoked"]);
    assert.deepEqual(await idsOf(store, { includeEnded: false, after: "alive", limit: 1 }), ["expiring"]);
  }),

  "rejects with the reason of an aborted signal": contract(async (store) => {
    await store.add([record("a")]);
    const reason = new Error("given up");
    const call = { signal: AbortSignal.abort(reason) };
    for (const asked of [
      () => store.find("a", call),
      () => store.add([record("b")], call),
      () => store.update("a", 1, { name: "x" }, undefined, call),
      () => store.touch("a", 1, call),
      () => store.list({}, call),
    ]) {
      await assert.rejects(asked(), reason);
    }
  }),
};

async function idsOf(store: KeyStore, filter: Parameters<KeyStore["list"]>[0]): Promise<string[]> {
  return (await store.list(filter)).map(({ id }) => id);
}

/** Field by field: a digest may come as a Buffer, and an object with another prototype. */
function same(actual: KeyRecord | undefined, expected: KeyRecord): void {
  assert.ok(actual, `there is no ${expected.id}`);
  const plain = (one: KeyRecord) => ({ ...one, digest: [...one.digest] });
  assert.deepEqual(plain(actual), plain(expected));
}
