// The contract of token-store.ts: one test for each of its sentences. Time is the store's own, so what is kept is looked at within it.

import assert from "node:assert/strict";
import { contract, type MakeTokenStore } from "./harness.ts";

const MINUTE_MS = 60_000;
const { POSITIVE_INFINITY } = Number;

/** Told apart by case, spaces, length, form of accents, and what patterns, keys, paths or prototypes might make of them. */
const ALIKE = [
  "a",
  "A",
  "a ",
  " a",
  "aa",
  "a:a",
  "a%",
  "a_",
  "a*",
  "{a}",
  "a'",
  "a\\",
  "á",
  "a\u0301",
  "ａ",
  "a😀",
  "😀",
  "__proto__",
  "constructor",
  "token:a",
  "subject:a",
  "x".repeat(299),
  "x".repeat(300),
  "😀".repeat(150),
];

/** One test a sentence. Each makes a store, and closes it. */
export const tokenStoreContract: Readonly<Record<string, (make: MakeTokenStore) => Promise<void>>> = {
  "marks a name once": contract(async (store) => {
    assert.equal(await store.mark("a", MINUTE_MS), true);
    assert.equal(await store.mark("a", MINUTE_MS), false);
    assert.equal(await store.mark("a", 1), false);
    assert.equal(await store.mark("a", MINUTE_MS), false);
  }),

  "lets one of many calls at once through": contract(async (store) => {
    for (let round = 0; round < 5; round++) {
      const many = await Promise.all(Array.from({ length: 20 }, () => store.mark(`round ${round}`, MINUTE_MS)));
      assert.equal(many.filter(Boolean).length, 1);
    }
  }),

  "keeps marks of names apart, however alike": contract(async (store) => {
    for (const name of ALIKE) assert.equal(await store.mark(name, MINUTE_MS), true, name);
    for (const name of ALIKE) assert.equal(await store.mark(name, MINUTE_MS), false, name);
  }),

  "keeps revocations of names apart, however alike": contract(async (store) => {
    for (const [index, name] of ALIKE.entries()) {
      assert.deepEqual(await store.revocations([name]), [undefined], name);
      await store.revoke(name, index, MINUTE_MS);
    }
    for (const [index, name] of ALIKE.entries()) assert.deepEqual(await store.revocations([name]), [index], name);
  }),

  "keeps marks and revocations of one name apart": contract(async (store) => {
    await store.revoke("a", 5000, MINUTE_MS);
    assert.equal(await store.mark("a", MINUTE_MS), true);
    assert.equal(await store.mark("b", MINUTE_MS), true);
    assert.deepEqual(await store.revocations(["a", "b"]), [5000, undefined]);
  }),

  "answers for each name in their order": contract(async (store) => {
    assert.deepEqual(await store.revocations(["a", "b", "c"]), [undefined, undefined, undefined]);
    await store.revoke("b", 2000, MINUTE_MS);
    await store.revoke("c", 3000, MINUTE_MS);
    assert.deepEqual(await store.revocations(["c", "a", "b"]), [3000, undefined, 2000]);
    assert.deepEqual(await store.revocations(["b"]), [2000]);
    const sixteen = Array.from({ length: 16 }, (_, index) => (index === 15 ? "c" : `n${index}`));
    assert.equal((await store.revocations(sixteen))[15], 3000);
  }),

  "never shrinks a revocation": contract(async (store) => {
    for (const [given, kept] of [
      [1_800_000_000_123, 1_800_000_000_123],
      [1_800_000_000_122, 1_800_000_000_123],
      [1_900_000_000_000, 1_900_000_000_000],
      [POSITIVE_INFINITY, POSITIVE_INFINITY],
      [1_900_000_000_000, POSITIVE_INFINITY],
    ] as const) {
      await store.revoke("a", given, MINUTE_MS);
      assert.deepEqual(await store.revocations(["a"]), [kept]);
    }
    // Kept for a minute, whatever is said after.
    await store.revoke("b", 1000, MINUTE_MS);
    await store.revoke("b", 2000, 1);
    assert.deepEqual(await store.revocations(["b"]), [2000]);
  }),

  "revokes for good": contract(async (store) => {
    await store.revoke("a", POSITIVE_INFINITY, POSITIVE_INFINITY);
    await store.revoke("a", 1000, 1);
    await store.revoke("b", 1000, POSITIVE_INFINITY);
    assert.deepEqual(await store.revocations(["a", "b"]), [POSITIVE_INFINITY, 1000]);
  }),

  "shows what was done to every call that starts later": contract(async (store) => {
    for (let step = 1; step <= 10; step++) {
      await store.revoke("a", step, MINUTE_MS);
      const seen = await Promise.all(Array.from({ length: 5 }, () => store.revocations(["a"])));
      assert.deepEqual(seen, Array(5).fill([step]));
      assert.equal(await store.mark(`mark ${step}`, MINUTE_MS), true);
      const again = await Promise.all(Array.from({ length: 5 }, () => store.mark(`mark ${step}`, MINUTE_MS)));
      assert.deepEqual(again, Array(5).fill(false));
    }
  }),

  "rejects with the reason of an aborted signal": contract(async (store) => {
    const reason = new Error("given up");
    const call = { signal: AbortSignal.abort(reason) };
    await assert.rejects(store.mark("a", MINUTE_MS, call), reason);
    await assert.rejects(store.revoke("a", 1000, MINUTE_MS, call), reason);
    await assert.rejects(store.revocations(["a"], call), reason);
  }),
};
