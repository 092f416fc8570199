// The contract of RateLimitStore, one test for each sentence.

import assert from "node:assert/strict";
import { compileRules } from "../rule.ts";
import { askMany } from "../store.ts";
import { contract, left, type MakeStore, START } from "./harness.ts";
import { compareWithMemory, seededRandom } from "./random-calls.ts";

/**
 * One test for each sentence of the contract, to be registered with any runner.
 *
 * @example
 * for (const [sentence, test] of Object.entries(rateLimitStoreContract)) {
 *   it(sentence, () => test(makeMyStore));
 * }
 */
export const rateLimitStoreContract: Readonly<Record<string, (make: MakeStore) => Promise<void>>> = {
  "takes the cost from every bucket, or nothing from any": contract(async ({ store }) => {
    const rules = compileRules("both", ["5/second", "7/hour"]);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 4)), ["passed", 1, 3]);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 2)), ["refused", 1, 3]);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 1)), ["passed", 0, 2]);
  }),

  "changes no bucket when it refuses, so that time goes on from the last call that passed": contract(
    async ({ store, setClock }) => {
      const rules = compileRules("refusal", [{ limit: 1, window: 1000, burst: 2 }]);
      await store.consume(rules, "k", 2);
      for (let ms = 100; ms < 1000; ms += 100) {
        setClock(START + ms);
        assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
      }
      setClock(START + 1000);
      assert.deepEqual(left(rules, await store.consume(rules, "k", 1)), ["passed", 0]);
    },
  ),

  "refills evenly and exactly, in whole milliseconds": contract(async ({ store, setClock }) => {
    const rules = compileRules("exact", [{ limit: 7, window: 1000, burst: 7 }]);
    await store.consume(rules, "k", 7);
    setClock(START + 142);
    assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
    setClock(START + 143);
    assert.deepEqual((await store.consume(rules, "k", 1)).used, [7 * 1000 - 143 * 7 + 1000]);
  }),

  "refills nothing when time steps back, and does not move the bucket's time back": contract(
    async ({ store, setClock }) => {
      const rules = compileRules("back", [{ limit: 1, window: 1000, burst: 2 }]);
      await store.consume(rules, "k", 1);
      setClock(START - 5000);
      assert.deepEqual(left(rules, await store.consume(rules, "k", 1)), ["passed", 0]);
      setClock(START);
      assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
      setClock(START + 1000);
      assert.equal((await store.consume(rules, "k", 1)).outcome, "passed");
    },
  ),

  "keeps keys apart, however alike, and of any length": contract(async ({ store }) => {
    const rules = compileRules("apart", ["1/hour"]);
    const long = "x".repeat(2 ** 20);
    const keys = [
      ...["a", "A", "a ", " a", "a\u00a0", "a\n", "a\r\n", "a\u0000", "a\u0000b", "a\u200b", "\u202ea"],
      // Cyrillic, full width, mathematical; composed or not; a ligature, and what case folding makes one.
      ...[
        "\u0430",
        "\uff41",
        "\u{1d51e}",
        "\u00e9",
        "e\u0301",
        "fi",
        "\ufb01",
        "ss",
        "\u00df",
        "i",
        "\u0131",
        "I",
        "\u0130",
      ],
      // Unpaired surrogates, which UTF-8 can't tell apart.
      ...["\ud800", "\ud801", "\udc00", "\ufffd"],
      ...["{a}", "}", "a:b", "*", "%", "1", "01", "__proto__", "'; --"],
      ...[long, `${long}y`, `${long.slice(1)}X`],
    ];
    for (const key of keys) assert.equal((await store.consume(rules, key, 1)).outcome, "passed", shown(key));
    for (const key of keys) assert.equal((await store.consume(rules, key, 1)).outcome, "refused", shown(key));
  }),

  "keeps limiters and rules apart that share a key": contract(async ({ store }) => {
    const sets = [
      compileRules("one", ["1/hour"]),
      compileRules("two", ["1/hour"]),
      compileRules("one", ["2/hour"]),
      compileRules("one", ["1/hour", "2/hour"]),
      compileRules("one:1", ["1/hour"]),
    ];
    for (const rules of sets) assert.equal((await store.consume(rules, "k", 1)).outcome, "passed");
    assert.equal((await store.consume(compileRules("one", ["1/hour"]), "k", 1)).outcome, "refused");
  }),

  "keeps a bucket's state when only its size changes": contract(async ({ store }) => {
    await store.consume(compileRules("size", [{ limit: 10, window: "1h", burst: 10 }]), "k", 8);
    const smaller = compileRules("size", [{ limit: 10, window: "1h", burst: 5 }]);
    assert.deepEqual(left(smaller, await store.consume(smaller, "k", 1)), ["refused", 0]);
    const larger = compileRules("size", [{ limit: 10, window: "1h", burst: 20 }]);
    assert.deepEqual(left(larger, await store.consume(larger, "k", 1)), ["passed", 11]);
  }),

  "lets a cost of 0 pass and takes nothing": contract(async ({ store }) => {
    const rules = compileRules("zero", ["1/hour"]);
    await store.consume(rules, "k", 1);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 0)), ["passed", 0]);
  }),

  "counts the largest state exactly": contract(async ({ store, setClock }) => {
    const rules = compileRules("large", [{ limit: 31_622_399_999, window: "366d", burst: 142_417 }]);
    assert.deepEqual((await store.consume(rules, "k", 142_416)).used, [142_416 * 31_622_400_000]);
    setClock(START + 1);
    assert.deepEqual((await store.consume(rules, "k", 1)).used, [142_417 * 31_622_400_000 - 31_622_399_999]);
  }),

  "lets through exactly what the rules allow when many call at once": contract(async ({ store }) => {
    const rules = compileRules("many", ["40/hour", { limit: 60, window: "1d" }]);
    const readings = await Promise.all(Array.from({ length: 100 }, () => store.consume(rules, "k", 1)));
    assert.equal(readings.filter(({ outcome }) => outcome === "passed").length, 40);
  }),

  "decides several calls as if they came one after the other": contract(async ({ store }) => {
    if (!store.consumeMany) return;
    const rules = compileRules("several", ["2/hour"]);
    const other = compileRules("other", ["1/hour", "5/day"]);
    const calls = ["b", "a", "b", "b", "a"].map((key) => ({ rules, key, cost: 1 }));
    const readings = await store.consumeMany([
      ...calls,
      { rules: other, key: "a", cost: 1 },
      { rules: other, key: "a", cost: 1 },
    ]);
    const outcomes = readings.map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["passed", "passed", "passed", "refused", "passed", "passed", "refused"]);
    assert.deepEqual(
      readings.map(({ used }) => used.length),
      [1, 1, 1, 1, 1, 2, 2],
    );
    assert.deepEqual(await store.consumeMany([]), []);
  }),

  "peeks without changing anything": contract(async ({ store, setClock }) => {
    const rules = compileRules("peek", ["2/second"]);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 2]);
    await store.consume(rules, "k", 2);
    setClock(START + 700);
    for (let call = 0; call < 3; call++) assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 1]);
    setClock(START + 1000);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 2]);
  }),

  "puts tokens back, as far as the buckets have room": contract(async ({ store }) => {
    const rules = compileRules("refund", ["5/hour", { limit: 100, window: "1h" }]);
    await store.consume(rules, "k", 4);
    await store.refund(rules, "k", 2);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 3, 98]);
    await store.refund(rules, "k", 1000);
    await store.refund(rules, "never seen", 3);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 5, 100]);
    assert.deepEqual(left(rules, await store.peek(rules, "never seen")), ["passed", 5, 100]);
  }),

  "blocks a subject for as long as it is told, and counts nothing meanwhile": contract(async ({ store, setClock }) => {
    const rules = compileRules("block", ["5/hour"]);
    await store.consume(rules, "k", 1);
    await store.block(rules, "k", 1000);
    const blocked = await store.consume(rules, "k", 1);
    assert.deepEqual([...left(rules, blocked), blocked.blockedMs], ["blocked", 4, 1000]);
    setClock(START + 999);
    assert.deepEqual(
      [(await store.peek(rules, "k")).outcome, (await store.peek(rules, "k")).blockedMs],
      ["blocked", 1],
    );
    assert.equal((await store.consume(rules, "other", 1)).outcome, "passed");
    setClock(START + 1000);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 1)), ["passed", 3]);
  }),

  "lets a later block stand for an earlier one, and ends a block on demand": contract(async ({ store }) => {
    const rules = compileRules("unblock", ["1/hour"]);
    await store.block(rules, "k", 60_000);
    await store.block(rules, "k", 1000);
    assert.equal((await store.peek(rules, "k")).blockedMs, 1000);
    await store.unblock(rules, "k");
    await store.unblock(rules, "never seen");
    assert.equal((await store.consume(rules, "k", 1)).outcome, "passed");
    assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
  }),

  "blocks a subject by the refusal that takes its last strike, and forgets strikes in time": contract(
    async ({ store, setClock }) => {
      const rules = compileRules("strikes", ["1/hour"], { refusals: 3, within: 3000, block: 10_000 });
      await store.consume(rules, "k", 1);
      const outcomes: string[] = [];
      // One strike comes back a second, so refusals a second apart never block.
      for (let second = 1; second <= 5; second++) {
        setClock(START + second * 1000);
        outcomes.push((await store.consume(rules, "k", 1)).outcome);
      }
      assert.deepEqual(outcomes, Array(5).fill("refused"));
      assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
      const last = await store.consume(rules, "k", 1);
      assert.deepEqual([last.outcome, last.blockedMs], ["blocked", 10_000]);
      setClock(START + 15_000);
      assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
    },
  ),

  "forgets a subject on reset: full buckets, no strikes, no block": contract(async ({ store }) => {
    const rules = compileRules("reset", ["2/hour"], { refusals: 2, within: "1h", block: "1h" });
    await store.consume(rules, "k", 2);
    await store.consume(rules, "k", 1);
    await store.reset(rules, "k");
    await store.reset(rules, "never seen");
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 2]);
    await store.consume(rules, "k", 2);
    assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
    await store.block(rules, "k", 1000);
    await store.reset(rules, "k");
    assert.equal((await store.consume(rules, "k", 2)).outcome, "passed");
  }),

  "rejects with the reason of an aborted signal": contract(async ({ store }) => {
    const rules = compileRules("abort", ["1/hour"]);
    const reason = new Error("gone");
    const signal = AbortSignal.abort(reason);
    for (const call of [
      () => store.consume(rules, "k", 1, { signal }),
      () => store.peek(rules, "k", { signal }),
      () => store.refund(rules, "k", 1, { signal }),
      () => store.reset(rules, "k", { signal }),
      () => store.block(rules, "k", 1, { signal }),
      () => store.unblock(rules, "k", { signal }),
      () => askMany(store, [{ rules, key: "k", cost: 1 }], { signal }),
    ]) {
      await assert.rejects(call, (error) => error === reason);
    }
  }),

  "decides as the memory store does, call by call, for any rules, times, keys and costs": contract(
    async ({ store, setClock }) => {
      const random = seededRandom(0x5eed);
      for (let round = 0; round < 12; round++) await compareWithMemory(store, setClock, random, round);
    },
  ),
};

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
