import { randomBytes } from "node:crypto";
import { createManualClock } from "@holdfast/core";
import { serverUrl } from "@holdfast/testing";
import * as fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRateLimiter, memoryStore, type RateLimitStore, type RuleInput } from "../src/index.ts";
import { type PostgresStore, postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { anyRules, anySteps } from "./arbitraries.ts";
import { asInputs, ModelLimiter } from "./model.ts";
import { type Connected, connectors, newPrefix } from "./redis-clients.ts";

/** One time for all stores. Set back and forth as no monotonic clock is, for the store must not rely on that. */
const time = { at: 0 };
const now = (): number => time.at;

let redis: readonly Connected[];
const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
let inPostgres: PostgresStore;
let stores: Readonly<Record<string, RateLimitStore>>;

beforeAll(async () => {
  redis = await Promise.all(connectors.map(([, connect]) => connect(serverUrl("redis"))));
  inPostgres = postgresStore({ client: pool, table: `agree_${randomBytes(4).toString("hex")}`, time: { now } });
  await inPostgres.ensureSchema();
  const overRedis = redis.map(({ client }, index) => {
    return [`Redis by ${connectors[index]?.[0]}`, redisStore({ client, prefix: newPrefix(), time: { now } })] as const;
  });
  stores = {
    memory: memoryStore({ clock: { ...createManualClock(), monotonic: now } }),
    ...Object.fromEntries(overRedis),
    Postgres: inPostgres,
  };
});
afterAll(async () => {
  for (const connected of redis) await connected[Symbol.asyncDispose]();
  await pool.end();
});

let limiters = 0;
/** A limiter on each store, over subjects that none had before. */
function onEachStore(rules: readonly RuleInput[]) {
  const name = `agree ${limiters++}`;
  return Object.entries(stores).map(([where, store]) => {
    return { where, limiter: createRateLimiter({ name, rules, store, whenStoreFails: "reject" }) };
  });
}

describe("all stores", () => {
  it("decide as the exact model does, for any rules, times back and forth, keys and costs", async () => {
    await fc.assert(
      fc.asyncProperty(anyRules, anySteps, async (rules, steps) => {
        const model = new ModelLimiter(rules);
        const smallestBurst = Math.min(...rules.map(({ burst }) => burst));
        const each = onEachStore(asInputs(rules));
        time.at = 10_000;
        for (const { elapsed, key, cost } of steps) {
          time.at = Math.max(0, time.at + elapsed);
          if (cost > smallestBurst) continue;
          const expected = model.consume(time.at, key, cost);
          for (const { where, limiter } of each) {
            const { allowed, retryAfterMs, rules: states } = await limiter.consume(key, { cost });
            const remaining = states.map((state) => state.remaining);
            expect({ where, allowed, remaining, retryAfterMs }).toEqual({ where, ...expected });
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("decide many calls at once as the exact model does one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(anyRules, fc.array(anySteps, { minLength: 1, maxLength: 5 }), async (rules, batches) => {
        const model = new ModelLimiter(rules);
        const smallestBurst = Math.min(...rules.map(({ burst }) => burst));
        const each = onEachStore(asInputs(rules));
        time.at = 10_000;
        for (const steps of batches) {
          time.at = Math.max(0, time.at + (steps[0]?.elapsed ?? 0));
          const calls = steps.map(({ key, cost }) => ({ key, cost: Math.min(cost, smallestBurst) }));
          const expected = calls.map(({ key, cost }) => model.consume(time.at, key, cost).allowed);
          for (const { where, limiter } of each) {
            const decisions = await limiter.consumeMany(calls);
            expect({ where, allowed: decisions.map(({ allowed }) => allowed) }).toEqual({ where, allowed: expected });
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
