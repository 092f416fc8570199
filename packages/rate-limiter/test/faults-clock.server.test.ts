// Shared stores whose clock is set while they run. One that is read by a caller's clock an hour ahead, and then by its own, has
// for all it knows been set back by an hour.

import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import type { RateLimitStore } from "../src/index.ts";
import { compileRules, type RuleSet } from "../src/rule.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { newPrefix } from "./redis-clients.ts";

const HOUR = 3_600_000;
type Now = () => number;

const redis = new Redis(serverUrl("redis"));
const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
afterAll(async () => {
  redis.disconnect();
  await pool.end();
});

/** The same buckets by the server's own time, and by what `now` says. */
interface TwoClocks {
  readonly own: RateLimitStore;
  at(now: Now): RateLimitStore;
}

const backends: readonly { readonly name: string; make(): Promise<TwoClocks> }[] = [
  {
    name: "Redis",
    async make() {
      const prefix = newPrefix();
      return {
        own: redisStore({ client: redis, prefix }),
        at: (now) => redisStore({ client: redis, prefix, time: { now } }),
      };
    },
  },
  {
    name: "Postgres",
    async make() {
      const table = `clock_${randomBytes(4).toString("hex")}`;
      const own = postgresStore({ client: pool, table });
      await own.ensureSchema();
      return { own, at: (now) => postgresStore({ client: pool, table, time: { now } }) };
    },
  },
];

const consume = async (store: RateLimitStore, rules: RuleSet, cost: number) =>
  (await store.consume(rules, "k", cost)).outcome;

describe.each(backends)("the clock of $name", ({ make }) => {
  it("when it steps back refills nothing, and the buckets' time does not go back with it", async () => {
    const { own, at } = await make();
    // So fast that each millisecond of the server's time would fill it.
    const rules = compileRules("back", [{ limit: 1_000_000, window: "1s", burst: 10 }]);
    let now = Date.now() + HOUR;
    const ahead = at(() => now);
    expect(await consume(ahead, rules, 5)).toBe("passed");
    expect(await consume(own, rules, 5)).toBe("passed");
    for (let call = 0; call < 50; call++) expect(await consume(own, rules, 1)).toBe("refused");
    expect(await consume(ahead, rules, 1)).toBe("refused");
    now += 1;
    expect(await consume(ahead, rules, 10)).toBe("passed");
  });

  it("when it steps forth refills for the time between, once", async () => {
    const { own, at } = await make();
    const rules = compileRules("forth", ["10/hour"]);
    const behind = Date.now() - HOUR;
    const before = at(() => behind);
    expect(await consume(before, rules, 10)).toBe("passed");
    expect(await consume(before, rules, 1)).toBe("refused");
    expect(await consume(own, rules, 10)).toBe("passed");
    for (const store of [before, own, before, own]) expect(await consume(store, rules, 1)).toBe("refused");
  });

  it("when it steps back and forth neither ends a block early nor forgets a strike", async () => {
    const { own, at } = await make();
    const rules = compileRules("penalty", ["1/day"], { refusals: 3, within: "1d", block: "1h" });
    const earlier = at(() => Date.now() - HOUR);
    expect(await consume(own, rules, 1)).toBe("passed");
    const outcomes: string[] = [];
    for (const store of [own, earlier, own, earlier, own]) outcomes.push(await consume(store, rules, 1));
    expect(outcomes).toEqual(["refused", "refused", "blocked", "blocked", "blocked"]);
  });
});

it("a Redis that refuses TIME in scripts is told the time, and no other way works", async () => {
  await redis.acl("SETUSER", "timeless", "on", "nopass", "~*", "+@all", "-time");
  const client = new Redis(serverUrl("redis"), { username: "timeless", password: "any" });
  const rules = compileRules("timeless", ["10/hour"]);
  const prefix = newPrefix();
  await expect(redisStore({ client, prefix }).consume(rules, "k", 1)).rejects.toMatchObject({ name: "ReplyError" });
  const told = redisStore({ client, prefix, time: { now: Date.now } });
  expect(await consume(told, rules, 10)).toBe("passed");
  expect(await consume(told, rules, 1)).toBe("refused");
  client.disconnect();
});
