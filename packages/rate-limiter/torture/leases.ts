// Instances spend leases of one Redis while they crash and close, their calls are aborted, and the network and Redis fail.

import { setTimeout as wait } from "node:timers/promises";
import { type FaultProxy, type Server, startFaultProxy, startRedis } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import { Redis } from "ioredis";
import { type RateLimitStore, withLeases } from "../src/index.ts";
import { compileRules, type RuleSet } from "../src/rule.ts";
import { redisStore } from "../src/stores/redis.ts";
import { type Connected, connectors, newPrefix } from "../test/redis-clients.ts";
import { type Use, worstExcess } from "../test/uses.ts";

const CALL_DEADLINE_MS = 300;
// How much later a call may settle, on a machine that is busy with other things.
const LATE_MS = 3000;
const HEALED_WITHIN_MS = 5000;

let server: Server | undefined;

export const torture: Torture = {
  name: "what leases let pass exceeds burst + rate x time on no interval",
  sample: 5,

  async setUp() {
    // It forgets nothing, so that no crash gives anything back.
    server = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
  },

  async tearDown() {
    await server?.stop();
  },

  async run(random, { log, signal }) {
    if (!server) throw new Error("there is no server");
    if (server.pid === undefined) await server.restart();
    const rule = { limit: random.int(50, 1000), window: 1000, burst: random.int(20, 400) };
    const lease = { tokens: random.int(2, 50), ttl: random.pick([random.int(10, 100), random.int(100, 2000)]) };
    log(JSON.stringify({ rule, lease }));
    const rules = compileRules("torture", [rule]);
    const prefix = newPrefix();

    await using ended = new AsyncDisposableStack();
    const instances: Instance[] = [];
    for (let count = random.int(2, 4); count > 0; count--) {
      // Some ask Redis for each call: leases and calls have to share one bucket.
      const wrap = (store: ReturnType<typeof redisStore>) => (random.chance(0.8) ? withLeases(store, lease) : store);
      const proxy = ended.use(await startFaultProxy(server));
      instances.push(ended.use(await startInstance(proxy, random, (client) => wrap(redisStore({ client, prefix })))));
    }
    const load = startLoad(instances, rules, random);
    ended.defer(async () => void (await load.stop()));

    for (let left = random.int(3, 12); left > 0; left--) {
      load.pace = random.pick(["rest", "trickle", "rush"]);
      log(load.pace);
      await wait(random.int(0, 500));
      if (random.chance(0.5)) continue;
      const fault = random.pick(Object.keys(faults));
      log(fault);
      await faults[fault]?.({ server, instance: random.pick(instances), random });
      signal.throwIfAborted();
    }
    load.pace = "rush";
    await Promise.all(instances.map((instance) => answersAgain(instance, rules)));
    const { uses, slowestMs } = await load.stop();

    const excess = worstExcess(uses, rule);
    log(`${uses.length} uses, ${excess.tokens} tokens above the bound at worst`);
    if (slowestMs > CALL_DEADLINE_MS + LATE_MS) throw new Error(`a call took ${slowestMs} ms to settle`);
    if (excess.tokens > 0)
      throw new Error(`${excess.tokens} too many passed from ${excess.fromMs} to ${excess.toMs} ms`);
  },
};

interface Instance extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly store: RateLimitStore;
  /** Goes without a word, and another takes its place. */
  crash(): Promise<void>;
}

async function startInstance(
  proxy: FaultProxy,
  random: Random,
  storeOn: (client: Connected["client"]) => RateLimitStore,
): Promise<Instance> {
  const start = async () => {
    const [, connect] = random.pick(connectors);
    const connected = await connect(`redis://${proxy.host}:${proxy.port}`);
    return { connected, store: storeOn(connected.client) };
  };
  let running = await start();
  return {
    proxy,
    get store() {
      return running.store;
    },
    async crash() {
      const { connected } = running;
      running = await start();
      await connected[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => running.connected[Symbol.asyncDispose](),
  };
}

type Fault = (on: { readonly server: Server; readonly instance: Instance; readonly random: Random }) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  crash: ({ instance }) => instance.crash(),
  /** And goes on: what it gave back, it takes anew. */
  close: ({ instance }) => instance.store.close(),
  async kill({ server, random }) {
    await server.kill();
    await wait(random.int(0, 100));
    await server.restart();
  },
  async forgetScripts({ server }) {
    const redis = new Redis(server.url);
    await redis.script("FLUSH");
    redis.disconnect();
  },
  async cut({ instance: { proxy }, random }) {
    proxy.cut();
    await wait(random.int(0, 200));
    await proxy.heal();
  },
  async losePower({ instance: { proxy }, random }) {
    proxy.halfOpen();
    await wait(random.int(0, 500));
    await proxy.heal();
  },
  async slowDown({ instance: { proxy }, random }) {
    proxy.delay(random.int(1, 500));
    await wait(random.int(0, 500));
    await proxy.heal();
  },
};

interface Load {
  /**
   * Leases that are taken in a trickle and kept while the bucket fills up are too many in the rush that follows, if anything
   * lets them be.
   */
  pace: "rest" | "trickle" | "rush";
  /** May be repeated. */
  stop(): Promise<{ readonly uses: readonly Use[]; readonly slowestMs: number }>;
}

/** Callers on every instance until stopped, some of whom lose patience. */
function startLoad(instances: readonly Instance[], rules: RuleSet, random: Random): Load {
  const uses: Use[] = [];
  let slowestMs = 0;
  let running = true;

  async function call(instance: Instance): Promise<void> {
    const tokens = random.int(1, 3);
    const patienceMs = random.chance(0.1) ? random.int(1, 20) : CALL_DEADLINE_MS;
    const signal = AbortSignal.timeout(patienceMs);
    const before = performance.now();
    try {
      const { outcome } = await instance.store.consume(rules, "k", tokens, { signal });
      if (outcome === "passed") uses.push({ before, after: performance.now(), tokens });
    } catch {
      // It may have taken its tokens all the same: so less may pass, never more.
    }
    slowestMs = Math.max(slowestMs, performance.now() - before);
  }

  const load: Load = {
    pace: "rush",
    async stop() {
      running = false;
      await Promise.all(callers);
      return { uses, slowestMs };
    },
  };
  const callers = instances.flatMap((instance) =>
    Array.from({ length: random.int(1, 8) }, async () => {
      while (running) {
        const calls = { rest: 0, trickle: 1, rush: random.int(1, 50) }[load.pace];
        for (let left = calls; left > 0; left--) await call(instance);
        await wait(random.int(0, load.pace === "rush" ? 5 : 50));
      }
    }),
  );
  return load;
}

async function answersAgain({ store }: Instance, rules: RuleSet): Promise<void> {
  const end = performance.now() + HEALED_WITHIN_MS;
  for (;;) {
    try {
      await store.peek(rules, "k", { signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      return;
    } catch (cause) {
      if (performance.now() > end) throw new Error(`no answer ${HEALED_WITHIN_MS} ms after the last fault`, { cause });
      await wait(10);
    }
  }
}
