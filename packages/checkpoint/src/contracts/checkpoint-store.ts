// The contract of CheckpointStore, one test for each sentence.

import assert from "node:assert/strict";
import type { CheckpointStore, Entry, Listed, Outcome } from "../checkpoint-store.ts";

export interface StoreUnderTest {
  /** Empty. */
  readonly store: CheckpointStore;
  /** A second one over the same data, as another process has it; the same one where there can be no second. */
  readonly other: CheckpointStore;
  /** Called when the test is over. */
  close(): Promise<void>;
}

export type MakeStore = () => Promise<StoreUnderTest>;

const AT = 1_700_000_000_000;
const ALIKE = [
  "a",
  "A",
  "a ",
  " a",
  "a/b",
  "a%2Fb",
  "a\\b",
  "a.b",
  "..",
  ".",
  "/",
  "é",
  "e\u0301",
  "a\u0000b",
  "a\nb",
  "x:username",
  "CON",
  "ключ",
  "\u{1f511}",
  "k".repeat(1024),
  `${"k".repeat(1023)}K`,
];

/**
 * One test for each sentence of the contract, to be registered with any runner.
 *
 * @example
 * for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
 *   it(sentence, () => test(makeMyStore));
 * }
 */
export const checkpointStoreContract: Readonly<Record<string, (make: MakeStore) => Promise<void>>> = {
  "reads nothing where nothing was saved": contract(async ({ store }) => {
    assert.equal(await store.read("a"), undefined);
    assert.deepEqual(await store.versions("a"), []);
  }),

  "reads what was saved, letter by letter": contract(async ({ store, other }) => {
    const texts = ["", "{}", '{"a":1}', "null", "0", "é\u{1f511} \n\r\t\\ \" '", "x".repeat(200_000)];
    for (const [index, data] of texts.entries()) {
      done(await store.save("a", data, { savedAt: AT + index }));
      const entry = { key: "a", version: index + 1, data, savedAt: AT + index, fence: 0, holder: null, beat: 0 };
      assert.deepEqual(await store.read("a"), entry);
      assert.deepEqual(await other.read("a"), entry);
    }
  }),

  "keeps keys apart, however alike": contract(async ({ store }) => {
    for (const [index, key] of ALIKE.entries()) done(await store.save(key, `${index}`, { savedAt: AT, ifVersion: 0 }));
    for (const [index, key] of ALIKE.entries()) assert.equal((await store.read(key))?.data, `${index}`);
    for (const [index, key] of ALIKE.entries()) done(await store.grant(key, `${index}`, { fence: 0, beat: 0 }));
    for (const [index, key] of ALIKE.entries()) assert.equal((await store.read(key))?.holder, `${index}`);
  }),

  "counts versions from 1": contract(async ({ store }) => {
    for (let version = 1; version <= 5; version++) {
      assert.equal(done(await store.save("a", `${version}`, { savedAt: AT })).version, version);
    }
  }),

  "saves under ifVersion only if that version stands, and tells which one does": contract(async ({ store }) => {
    done(await store.save("a", "1", { savedAt: AT, ifVersion: 0 }));
    done(await store.save("a", "2", { savedAt: AT, ifVersion: 1 }));
    for (const ifVersion of [0, 1, 3, 99]) {
      assert.equal(refused(await store.save("a", "no", { savedAt: AT, ifVersion }))?.version, 2);
    }
    assert.equal(refused(await store.save("b", "no", { savedAt: AT, ifVersion: 1 })), undefined);
    assert.equal((await store.read("a"))?.data, "2");
    assert.equal(await store.read("b"), undefined);
  }),

  "lets one of many through that save under one ifVersion": contract(async ({ store, other }) => {
    for (let version = 0; version < 5; version++) {
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? store : other).save("a", `${version}.${index}`, { savedAt: AT, ifVersion: version }),
        ),
      );
      assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
      assert.equal((await store.read("a"))?.version, version + 1);
      assert.equal((await store.read("a"))?.data, outcomes.find(({ ok }) => ok)?.entry?.data);
    }
  }),

  "makes a version of each of many that save under no condition": contract(async ({ store, other }) => {
    const many = Array.from({ length: 12 }, (_, index) =>
      (index % 2 === 0 ? store : other).save("a", `${index}`, { savedAt: AT }),
    );
    const versions = (await Promise.all(many)).map((outcome) => done(outcome).version);
    assert.deepEqual(
      versions.toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
  }),

  "deletes the data with all earlier versions, and goes on counting": contract(async ({ store }) => {
    done(await store.save("a", "1", { savedAt: AT, keep: 5 }));
    done(await store.save("a", "2", { savedAt: AT, keep: 5 }));
    assert.equal(refused(await store.delete("a", { ifVersion: 1 }))?.version, 2);
    const entry = done(await store.delete("a", { ifVersion: 2 }));
    assert.equal(entry.version, 3);
    assert.equal(entry.data, null);
    assert.deepEqual(await store.versions("a"), []);
    assert.deepEqual(await keysOf(store, ""), []);
    refused(await store.delete("a"));
    refused(await store.delete("never"));
    // Who remembers an earlier version is not up to date; who knows of none is.
    for (const ifVersion of [1, 2, 3]) refused(await store.save("a", "no", { savedAt: AT, ifVersion }));
    assert.equal(done(await store.save("a", "new", { savedAt: AT, ifVersion: 0 })).version, 4);
  }),

  "grants a lease that nobody has": contract(async ({ store, other }) => {
    const entry = done(await store.grant("a", "me", undefined));
    assert.deepEqual(entry, { key: "a", version: 0, data: null, savedAt: 0, fence: 1, holder: "me", beat: 1 });
    assert.deepEqual(await other.read("a"), entry);
    assert.equal(refused(await other.grant("a", "you", undefined))?.holder, "me");
    assert.deepEqual(await keysOf(store, ""), []);
    done(await store.save("b", "1", { savedAt: AT }));
    assert.equal(done(await store.grant("b", "me", { fence: 0, beat: 0 })).data, "1");
  }),

  "grants a lease anew only if its fence and beat are those that were seen": contract(async ({ store, other }) => {
    const first = done(await store.grant("a", "me", undefined));
    const renewed = done(await store.renew("a", first.fence));
    assert.notEqual(renewed.beat, first.beat);
    refused(await other.grant("a", "you", first));
    refused(await other.grant("a", "you", { fence: 0, beat: renewed.beat }));
    const second = done(await other.grant("a", "you", renewed));
    assert.equal(second.fence, 2);
    assert.equal(second.holder, "you");
    refused(await store.renew("a", first.fence));
    refused(await store.release("a", first.fence));
    assert.equal((await store.read("a"))?.holder, "you");
  }),

  "grants to one of many that have seen the same": contract(async ({ store, other }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? store : other).grant("a", `${index}`, undefined)),
    );
    assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
    assert.equal((await store.read("a"))?.fence, 1);
  }),

  "gives a lease back, so that there is no holder, and the next fence is another": contract(async ({ store }) => {
    const { fence } = done(await store.grant("a", "me", undefined));
    const free = done(await store.release("a", fence));
    assert.equal(free.holder, null);
    refused(await store.renew("a", fence));
    refused(await store.release("a", fence));
    assert.equal(done(await store.grant("a", "you", free)).fence, fence + 1);
  }),

  "refuses to save under a fence once the lease was granted again, whatever the version": contract(
    async ({ store, other }) => {
      const { fence } = done(await store.grant("a", "me", undefined));
      const mine = done(await store.save("a", "mine", { savedAt: AT, ifVersion: 0, fence }));
      assert.equal(mine.holder, "me");
      const seen = await other.read("a");
      const { fence: next } = done(await other.grant("a", "you", seen));
      refused(await store.save("a", "stale", { savedAt: AT, ifVersion: mine.version, fence }));
      refused(await store.save("a", "stale", { savedAt: AT, fence }));
      refused(await store.delete("a", { fence }));
      assert.equal((await other.read("a"))?.data, "mine");
      done(await other.save("a", "yours", { savedAt: AT, ifVersion: mine.version, fence: next }));
      refused(await store.save("never leased", "no", { savedAt: AT, fence: 1 }));
    },
  ),

  "leaves the lease as it is when data is saved or deleted, and data when the lease moves": contract(
    async ({ store }) => {
      const { fence } = done(await store.grant("a", "me", undefined));
      const saved = done(await store.save("a", "1", { savedAt: AT }));
      assert.deepEqual([saved.fence, saved.holder], [fence, "me"]);
      const renewed = done(await store.renew("a", fence));
      assert.deepEqual([renewed.data, renewed.version, renewed.savedAt], ["1", 1, AT]);
      const gone = done(await store.delete("a"));
      assert.deepEqual([gone.fence, gone.holder], [fence, "me"]);
      done(await store.renew("a", fence));
    },
  ),

  "keeps as many earlier versions as it is told to, with their notes": contract(async ({ store }) => {
    for (let version = 1; version <= 5; version++) {
      done(
        await store.save("a", `${version}`, {
          savedAt: AT + version,
          keep: 2,
          note: version === 4 ? "why" : undefined,
        }),
      );
    }
    assert.deepEqual(await store.versions("a"), [
      { version: 5, data: "5", savedAt: AT + 5, note: undefined },
      { version: 4, data: "4", savedAt: AT + 4, note: "why" },
      { version: 3, data: "3", savedAt: AT + 3, note: undefined },
    ]);
    done(await store.save("a", "6", { savedAt: AT + 6 }));
    assert.deepEqual(
      (await store.versions("a")).map(({ version }) => version),
      [6],
    );
    refused(await store.save("a", "no", { savedAt: AT, ifVersion: 1, keep: 9 }));
    assert.deepEqual(
      (await store.versions("a")).map(({ version }) => version),
      [6],
    );
    // What was dropped stays so.
    done(await store.save("a", "7", { savedAt: AT, keep: 9 }));
    assert.deepEqual(
      (await store.versions("a")).map(({ version }) => version),
      [7, 6],
    );
  }),

  "lists keys with data by prefix, in the order of their bytes": contract(async ({ store }) => {
    for (const key of ALIKE) done(await store.save(key, "1", { savedAt: AT }));
    done(await store.grant("a leased", "me", undefined));
    const sorted = ALIKE.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await keysOf(store, ""), sorted);
    for (const prefix of ["a", "k".repeat(1023), "..", "a%", "a_", "é", "nothing"]) {
      assert.deepEqual(
        await keysOf(store, prefix),
        sorted.filter((key) => key.startsWith(prefix)),
        prefix,
      );
    }
    const [first] = await all(store.list("x:"));
    assert.deepEqual(first, { key: "x:username", version: 1, savedAt: AT } satisfies Listed);
  }),

  "lists more keys than a page has": contract(async ({ store }) => {
    const keys = Array.from({ length: 250 }, (_, index) => `k${String(index).padStart(3, "0")}`);
    await Promise.all(keys.map((key) => store.save(key, "1", { savedAt: AT })));
    assert.deepEqual(await keysOf(store, "k"), keys);
  }),

  "rejects with the reason of an aborted signal, and changes nothing": contract(async ({ store }) => {
    done(await store.save("a", "1", { savedAt: AT }));
    const reason = new Error("given up");
    const call = { signal: AbortSignal.abort(reason) };
    for (const ask of [
      () => store.read("a", call),
      () => store.save("a", "2", { savedAt: AT }, call),
      () => store.delete("a", {}, call),
      () => store.grant("a", "me", { fence: 0, beat: 0 }, call),
      () => store.renew("a", 1, call),
      () => store.release("a", 1, call),
      () => store.versions("a", call),
      () => all(store.list("", call)),
    ]) {
      await assert.rejects(ask(), reason);
    }
    assert.equal((await store.read("a"))?.version, 1);
  }),
};

function contract(test: (under: StoreUnderTest) => Promise<void>): (make: MakeStore) => Promise<void> {
  return async (make) => {
    const under = await make();
    try {
      await test(under);
    } finally {
      await under.close();
    }
  };
}

function done(outcome: Outcome): Entry {
  assert.ok(outcome.ok, `was refused for ${JSON.stringify(outcome.entry)}`);
  return outcome.entry;
}

function refused(outcome: Outcome): Entry | undefined {
  assert.ok(!outcome.ok, `was done: ${JSON.stringify(outcome.entry)}`);
  return outcome.entry;
}

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

async function keysOf(store: CheckpointStore, prefix: string): Promise<string[]> {
  return (await all(store.list(prefix))).map(({ key }) => key);
}
