// The contract of LeasingStore, one test for each sentence.

import assert from "node:assert/strict";
import { compileRules, type RuleSet } from "../rule.ts";
import type { LeaseReading, LeasingStore } from "../store.ts";
import { contract, left, type MakeStore, START } from "./harness.ts";

/** To be run beside `rateLimitStoreContract` on a store that lends. */
export const leasingStoreContract: Readonly<Record<string, (make: MakeStore<LeasingStore>) => Promise<void>>> = {
  "lends what it takes from every bucket": contract<LeasingStore>(async ({ store }) => {
    const rules = compileRules("lend", ["20/hour", "30/day"]);
    assert.deepEqual(lent(rules, await ask(store, rules, "one", 5)), [5, "passed", 15, 25]);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 15)), ["passed", 0, 10]);
    assert.equal((await store.consume(rules, "k", 1)).outcome, "refused");
  }),

  "lends as many as there are, and takes nothing where that is fewer than the least": contract<LeasingStore>(
    async ({ store }) => {
      const rules = compileRules("least", ["20/hour", { limit: 12, window: "1h", burst: 12 }]);
      assert.deepEqual(lent(rules, await ask(store, rules, "one", 10)), [10, "passed", 10, 2]);
      assert.deepEqual(lent(rules, await ask(store, rules, "two", 10, { least: 3 })), [0, "refused", 10, 2]);
      assert.deepEqual(lent(rules, await ask(store, rules, "three", 10, { least: 2 })), [2, "passed", 8, 0]);
    },
  ),

  "keeps what is lent out of the bucket until its time is over, spent or not": contract<LeasingStore>(
    async ({ store, setClock }) => {
      const rules = compileRules("kept", [{ limit: 10, window: 1000, burst: 20 }]);
      await ask(store, rules, "one", 8, { ttlMs: 5000 });
      setClock(START + 4999);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 12]);
      // From then on it refills as any other token: none of the time before counts.
      setClock(START + 5000);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 12]);
      setClock(START + 5300);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 15]);
      setClock(START + 5800);
      assert.deepEqual(left(rules, await store.consume(rules, "k", 20)), ["passed", 0]);
    },
  ),

  "refills up to what each lease leaves, also when it was not looked at while they ended": contract<LeasingStore>(
    async ({ store, setClock }) => {
      const rules = compileRules("pieces", [{ limit: 1, window: 1000, burst: 10 }]);
      await ask(store, rules, "one", 4, { ttlMs: 2000 });
      await ask(store, rules, "two", 4, { ttlMs: 9000 });
      await store.consume(rules, "k", 2);
      // 2 s: 2 back, to the brim of 2. Then 4 s more for the first lease's 4, to the brim of 6.
      setClock(START + 5000);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 5]);
      setClock(START + 8999);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 6]);
      setClock(START + 13_000);
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 10]);
    },
  ),

  "takes back what was not spent, first of all": contract<LeasingStore>(async ({ store }) => {
    const rules = compileRules("back", ["20/hour"]);
    await ask(store, rules, "one", 20);
    const second = await ask(store, rules, "two", 6, { returned: { id: "one", unspent: 9 } });
    assert.deepEqual(lent(rules, second), [6, "passed", 3]);
    assert.deepEqual(lent(rules, await ask(store, rules, "end", 0, { returned: { id: "two", unspent: 6 } })), [
      0,
      "passed",
      9,
    ]);
  }),

  "takes nothing back twice, nor from a lease whose time is over or that it does not know": contract<LeasingStore>(
    async ({ store, setClock }) => {
      const rules = compileRules("once", ["20/day"]);
      await ask(store, rules, "one", 10);
      for (const _ of [1, 2]) await ask(store, rules, "end", 0, { returned: { id: "one", unspent: 4 } });
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 14]);
      await ask(store, rules, "end", 0, { returned: { id: "unknown", unspent: 4 } });
      await ask(store, rules, "two", 10, { ttlMs: 1000 });
      setClock(START + 1000);
      await ask(store, rules, "end", 0, { returned: { id: "two", unspent: 4 } });
      assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 4]);
    },
  ),

  "takes back no more than it lent": contract<LeasingStore>(async ({ store }) => {
    const rules = compileRules("more", ["20/hour"]);
    await store.consume(rules, "k", 10);
    await ask(store, rules, "one", 5);
    await ask(store, rules, "end", 0, { returned: { id: "one", unspent: 50 } });
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 10]);
  }),

  "refunds no more than what is lent leaves room for": contract<LeasingStore>(async ({ store }) => {
    const rules = compileRules("refund", ["20/hour"]);
    await ask(store, rules, "one", 8);
    await store.consume(rules, "k", 2);
    await store.refund(rules, "k", 20);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 12]);
  }),

  "lends nothing of a blocked subject, and forgets its leases on reset": contract<LeasingStore>(async ({ store }) => {
    const rules = compileRules("block", ["20/hour"]);
    await ask(store, rules, "one", 8);
    await store.block(rules, "k", 1000);
    const blocked = await ask(store, rules, "two", 5);
    assert.deepEqual([blocked.outcome, blocked.lent, blocked.blockedMs], ["blocked", 0, 1000]);
    await store.reset(rules, "k");
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 20]);
  }),

  "keeps a subject for as long as something of it is lent": contract<LeasingStore>(async ({ store, setClock }) => {
    const rules = compileRules("keep", [{ limit: 1000, window: 1, burst: 1000 }]);
    await ask(store, rules, "one", 600, { ttlMs: 60_000 });
    setClock(START + 59_000);
    assert.deepEqual(left(rules, await store.consume(rules, "k", 0)), ["passed", 400]);
    setClock(START + 61_000);
    assert.deepEqual(left(rules, await store.peek(rules, "k")), ["passed", 1000]);
  }),
};

interface More {
  readonly least?: number;
  readonly ttlMs?: number;
  readonly returned?: { readonly id: string; readonly unspent: number };
}

function ask(store: LeasingStore, rules: RuleSet, id: string, tokens: number, more: More = {}): Promise<LeaseReading> {
  return store.lease(rules, "k", { id, tokens, least: Math.min(1, tokens), ttlMs: 10_000, ...more });
}

function lent(rules: RuleSet, reading: LeaseReading): (string | number)[] {
  return [reading.lent, ...left(rules, reading)];
}
