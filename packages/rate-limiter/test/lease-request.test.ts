import { describe, expect, it } from "vitest";
import type { LeaseRequest, LeasingStore } from "../src/index.ts";
import { compileRules } from "../src/rule.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";

const never = (): Promise<never> => Promise.reject(new Error("asked"));

const stores: readonly (readonly [string, LeasingStore])[] = [
  ["Redis", redisStore({ client: { evalSha: never, eval: never } })],
  ["Postgres", postgresStore({ client: { query: never } })],
];

describe.each(stores)("a lease in %s", (_name, store) => {
  const rules = compileRules("l", ["100/second"]);
  const good: LeaseRequest = { id: "one", tokens: 10, least: 1, ttlMs: 1000, returned: { id: "zero", unspent: 3 } };

  it("is asked for as it is given", async () => {
    await expect(store.lease(rules, "k", good)).rejects.toThrow("asked");
    await expect(store.lease(rules, "k", { ...good, returned: undefined })).rejects.toThrow("asked");
  });

  it.each<Partial<LeaseRequest>>([
    { id: "" },
    { id: "two words" },
    { id: "x".repeat(65) },
    { tokens: 1.5 },
    { tokens: -1 },
    { least: Number.NaN },
    { ttlMs: 1e21 },
    { returned: { id: ".", unspent: Number.POSITIVE_INFINITY } },
    { returned: { id: "one;two", unspent: 1 } },
  ])("that is %j is refused", async (change) => {
    await expect(store.lease(rules, "k", { ...good, ...change })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
