// Several instances consume from the same keys in Redis while it is killed, cut off, slowed down and made to forget its scripts.

import { setTimeout as wait } from "node:timers/promises";
import { type FaultProxy, type Server, startFaultProxy, startRedis } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import { Redis } from "ioredis";
import { compileRules, type RuleSet } from "../src/rule.ts";
import type { RateLimitStore } from "../src/store.ts";
import { redisStore } from "../src/stores/redis.ts";
import { type Connected, connectors, newPrefix } from "../test/redis-clients.ts";

const CALL_DEADLINE_MS = 300;
// How much later a call may settle, on a machine that is busy with other things.
const LATE_MS = 3000;
const HEALED_WITHIN_MS = 5000;

const started: Partial<Record<"durable" | "forgetful", Server>> = {};

export const torture: Torture = {
  name: "what passes through Redis never exceeds burst + rate x time, and a burst for each loss of its data",
  sample: 5,

  async setUp() {
    started.forgetful = await startRedis();
    started.durable = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
  },

  async tearDown() {
    await Promise.all(Object.values(started).map((server) => server.stop()));
  },

  async run(random, { log, signal }) {
    const kind = random.pick(["durable", "forgetful"] as const);
    const server = started[kind] as Server;
    if (server.pid === undefined) await server.restart();
    const rule = { limit: random.int(1, 300), window: random.int(100, 2000), burst: random.int(1, 200) };
    const penalty = random.chance(0.3) ? { refusals: random.int(1, 100), within: "10s", block: 50 } : undefined;
    const rules = compileRules("torture", [rule], penalty);
    log(`${kind}, ${JSON.stringify({ rule, penalty })}`);

    const proxy = await startFaultProxy(server);
    const instances: Connected[] = [];
    let load: Load | undefined;
    try {
      for (let instance = random.int(2, 4); instance > 0; instance--) {
        const [, connect] = random.pick(connectors);
        instances.push(await connect(`redis://${proxy.host}:${proxy.port}`));
      }
      const prefix = newPrefix();
      const stores = instances.map(({ client }) => redisStore({ client, prefix }));
      load = startLoad(stores, rules, random);
      let losses = 0;
      for (let left = random.int(1, 6); left > 0; left--) {
        await wait(random.int(0, 150));
        const fault = random.pick(faults);
        log(fault.name);
        await fault(server, proxy, random);
        if (fault === kill && kind === "forgetful") losses++;
        signal.throwIfAborted();
      }
      await Promise.all(stores.map((store) => answersAgain(store, rules)));
      const { passed, slowestMs, elapsedMs } = await load.stop();

      const allowed = rule.burst * (1 + losses) + (rule.limit * elapsedMs) / rule.window;
      log(`${losses} losses in ${elapsedMs} ms: ${passed} tokens passed of ${allowed} each`);
      if (slowestMs > CALL_DEADLINE_MS + LATE_MS) throw new Error(`a call took ${slowestMs} ms to settle`);
      for (const tokens of passed) if (tokens > allowed) throw new Error(`${tokens} tokens passed of ${allowed}`);
    } finally {
      await load?.stop();
      for (const instance of instances) await instance[Symbol.asyncDispose]();
      await proxy.close();
    }
  },
};

type Fault = (server: Server, proxy: FaultProxy, random: Random) => Promise<void>;

const kill: Fault = async (server, _proxy, random) => {
  await server.kill();
  await wait(random.int(0, 100));
  await server.restart();
};

const forgetScripts: Fault = async (server) => {
  const redis = new Redis(server.url);
  await redis.script("FLUSH");
  redis.disconnect();
};

const cut: Fault = async (_server, proxy, random) => {
  proxy.cut();
  await wait(random.int(0, 200));
  await proxy.heal();
};

const losePower: Fault = async (_server, proxy, random) => {
  proxy.halfOpen();
  await wait(random.int(0, 500));
  await proxy.heal();
};

const slowDown: Fault = async (_server, proxy, random) => {
  proxy.delay(random.int(1, 500));
  await wait(random.int(0, 500));
  await proxy.heal();
};

const faults: readonly Fault[] = [kill, forgetScripts, cut, losePower, slowDown];

interface Load {
  /** Tokens that passed, by key. May be repeated. */
  stop(): Promise<{ readonly passed: readonly number[]; readonly slowestMs: number; readonly elapsedMs: number }>;
}

/** Callers on every store, with one or several calls at once, until stopped. */
function startLoad(stores: readonly RateLimitStore[], rules: RuleSet, random: Random): Load {
  const passed = new Array<number>(random.int(1, 3)).fill(0);
  const start = performance.now();
  let slowestMs = 0;
  let running = true;

  async function callOnce(store: RateLimitStore): Promise<void> {
    const calls = Array.from({ length: random.int(1, 5) }, () => {
      const index = random.int(0, passed.length - 1);
      return { rules, index, key: `k${index}`, cost: random.int(0, Math.min(5, rules.smallestBurst)) };
    });
    const called = performance.now();
    try {
      const readings = await store.consumeMany?.(calls, { signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      for (const [at, { index, cost }] of calls.entries()) {
        if (readings?.[at]?.outcome === "passed") passed[index] = (passed[index] ?? 0) + cost;
      }
    } catch {
      // It may have taken its costs all the same: so less may pass, never more.
    }
    slowestMs = Math.max(slowestMs, performance.now() - called);
  }

  async function callOnAndOn(store: RateLimitStore): Promise<void> {
    while (running) {
      await callOnce(store);
      await wait(random.int(0, 5));
    }
  }

  const callers = stores.flatMap((store) => Array.from({ length: random.int(1, 20) }, () => callOnAndOn(store)));
  return {
    async stop() {
      running = false;
      await Promise.all(callers);
      // Two more, since Redis' first and last millisecond may have begun before.
      return { passed, slowestMs, elapsedMs: performance.now() - start + 2 };
    },
  };
}

async function answersAgain(store: RateLimitStore, rules: RuleSet): Promise<void> {
  const end = performance.now() + HEALED_WITHIN_MS;
  for (;;) {
    try {
      await store.peek(rules, "k0", { signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      return;
    } catch (cause) {
      if (performance.now() > end) throw new Error(`no answer ${HEALED_WITHIN_MS} ms after the last fault`, { cause });
      await wait(10);
    }
  }
}
