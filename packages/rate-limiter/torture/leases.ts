// Instances spend leases of one Redis or one Postgres while they crash and close, their calls are aborted, and the network and the server fail.

import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { type FaultProxy, type Server, startFaultProxy, startPostgres, startRedis } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import { Redis } from "ioredis";
import pg from "pg";
import { type RateLimitStore, withLeases } from "../src/index.ts";
import { compileRules, type RuleSet } from "../src/rule.ts";
import { type Lending, lendingStores, type OpenLending } from "../test/lending-stores.ts";
import { type Use, worstExcess } from "../test/uses.ts";

const CALL_DEADLINE_MS = 300;
// How much later a call may settle, on a machine that is busy with other things.
const LATE_MS = 3000;
const HEALED_WITHIN_MS = 5000;

/** Neither forgets anything, so that no crash gives anything back. */
const starts = {
  redis: () => startRedis({ settings: { appendonly: "yes", appendfsync: "always" } }),
  postgres: () => startPostgres(),
};

const servers: { [Name in Lending["server"]]?: Server } = {};

export const torture: Torture = {
  name: "what leases let pass exceeds burst + rate x time on no interval",
  sample: 6,

  async setUp() {
    for (const name of ["redis", "postgres"] as const) servers[name] = await starts[name]();
  },

  async tearDown() {
    for (const server of Object.values(servers)) await server.stop();
  },

  async run(random, { log, signal }) {
    const kind = random.pick(["redis", "postgres"] as const);
    const server = servers[kind];
    if (!server) throw new Error("there is no server");
    if (server.pid === undefined) await server.restart();
    const rule = { limit: random.int(50, 1000), window: 1000, burst: random.int(20, 400) };
    const lease = { tokens: random.int(2, 50), ttl: random.pick([random.int(10, 100), random.int(100, 2000)]) };
    log(JSON.stringify({ kind, rule, lease }));
    const rules = compileRules("torture", [rule]);
    const space = `torture_${randomBytes(6).toString("hex")}`;

    await using ended = new AsyncDisposableStack();
    const instances: Instance[] = [];
    for (let count = random.int(2, 4); count > 0; count--) {
      const proxy = ended.use(await startFaultProxy(server));
      const open = async () => {
        const { open: openLending } = random.pick(lendingStores.filter((lending) => lending.server === kind));
        const url = new URL(server.url);
        url.port = String(proxy.port);
        const lending = await openLending(url.href, { space });
        // Some ask the server for each call: leases and calls have to share one bucket.
        return { lending, store: random.chance(0.8) ? withLeases(lending.store, lease) : lending.store };
      };
      instances.push(ended.use(await startInstance(proxy, open)));
    }
    const load = startLoad(instances, rules, random);
    ended.defer(async () => void (await load.stop()));

    for (let left = random.int(3, 12); left > 0; left--) {
      load.pace = random.pick(["rest", "trickle", "rush"]);
      log(load.pace);
      await wait(random.int(0, 500));
      if (random.chance(0.5)) continue;
      const possible = { ...faults, ...faultsOf[kind] };
      const fault = random.pick(Object.keys(possible));
      log(fault);
      await possible[fault]?.({ server, instance: random.pick(instances), random });
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
  open: () => Promise<{ readonly lending: OpenLending; readonly store: RateLimitStore }>,
): Promise<Instance> {
  let running = await open();
  return {
    proxy,
    get store() {
      return running.store;
    },
    async crash() {
      const { lending } = running;
      running = await open();
      await lending[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => running.lending[Symbol.asyncDispose](),
  };
}

type Fault = (on: { readonly server: Server; readonly instance: Instance; readonly random: Random }) => Promise<void>;
type Faults = Readonly<Record<string, Fault>>;

const faults: Faults = {
  crash: ({ instance }) => instance.crash(),
  /** And goes on: what it gave back, it takes anew. */
  close: ({ instance }) => instance.store.close(),
  async kill({ server, random }) {
    await server.kill();
    await wait(random.int(0, 100));
    await server.restart();
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

const faultsOf: Readonly<Record<Lending["server"], Faults>> = {
  redis: {
    async forgetScripts({ server }) {
      const redis = new Redis(server.url);
      await redis.script("FLUSH");
      redis.disconnect();
    },
  },
  postgres: {
    async endSessions({ server }) {
      const client = new pg.Client(server.url);
      await client.connect();
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
      await client.end();
    },
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
