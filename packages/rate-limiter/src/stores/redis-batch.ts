// Calls of the same moment go to Redis together: one run of a script takes them one after the other.

import { RateLimiterError } from "../errors.ts";
import type { RuleSet } from "../rule.ts";
import type { StoreReading } from "../store.ts";
import { isErrorReply, type RunScript } from "./redis-client.ts";
import { OUTCOMES, type RedisScript } from "./redis-scripts.ts";

/** What all calls on one rule set have in common, and the calls that are about to leave. */
export interface BatchedRules {
  readonly count: number;
  /** The scripts' arguments before and after the subjects' amounts. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly waiting: Map<RedisScript, Call[]>;
}

interface Call {
  readonly key: string;
  readonly amount: string;
  resolve(reading: StoreReading): void;
  reject(error: unknown): void;
}

export type AskRedis = (
  script: RedisScript,
  rules: BatchedRules,
  key: string,
  amount: number | string,
) => Promise<StoreReading>;

// While a script runs, Redis serves nobody else: a hundred subjects take it about half a millisecond.
const LARGEST_BATCH = 100;

export function batchedRules({ rules, penalty }: RuleSet): BatchedRules {
  const before: (string | number)[] = [rules.length];
  for (const { refillUnits, tokenUnits, capacityUnits } of rules) before.push(refillUnits, tokenUnits, capacityUnits);
  const after: (string | number)[] = [];
  if (penalty) {
    const { limit, windowMs, refillUnits, tokenUnits, capacityUnits } = penalty.strikes;
    after.push(`${limit}/${windowMs}`, refillUnits, tokenUnits, capacityUnits, penalty.blockMs);
  }
  return { count: rules.length, before: before.map(String), after: after.map(String), waiting: new Map() };
}

/** `now`: the time to be told to Redis, or an empty text. */
export function batched(run: RunScript, now: () => string): AskRedis {
  let isCluster = false;
  let batchesOnTheirWay = 0;

  async function send(script: RedisScript, rules: BatchedRules, calls: readonly Call[]): Promise<void> {
    batchesOnTheirWay++;
    try {
      const keys = calls.map(({ key }) => key);
      const args = [now(), ...rules.before, ...calls.map(({ amount }) => amount), ...rules.after];
      const reply = (await run(script, keys, args)) as readonly unknown[];
      for (const [index, call] of calls.entries()) settle(call, reply, index * (2 + rules.count), rules.count);
    } catch (error) {
      const calledApart = byKey(calls);
      if (calledApart.length > 1 && isErrorReply(error, "CROSSSLOT", "TRYAGAIN")) {
        isCluster = true;
        for (const onOneKey of calledApart) void send(script, rules, onOneKey);
      } else {
        for (const call of calls) call.reject(error);
      }
    } finally {
      batchesOnTheirWay--;
    }
  }

  function sendWaiting(script: RedisScript, rules: BatchedRules): void {
    const calls = rules.waiting.get(script) ?? [];
    rules.waiting.delete(script);
    // In a cluster, or behind a proxy that hides one, each key has its own node.
    for (const batch of isCluster ? byKey(calls) : [calls]) {
      for (let from = 0; from < batch.length; from += LARGEST_BATCH) {
        void send(script, rules, batch.slice(from, from + LARGEST_BATCH));
      }
    }
  }

  return (script, rules, key, amount) =>
    new Promise((resolve, reject) => {
      const call = { key, amount: String(amount), resolve, reject };
      const waiting = rules.waiting.get(script);
      if (waiting) {
        waiting.push(call);
        return;
      }
      rules.waiting.set(script, [call]);
      // A call by itself leaves at once. Where there is traffic, calls gather until the event loop has read all that came in.
      if (batchesOnTheirWay === 0) process.nextTick(sendWaiting, script, rules);
      else setImmediate(sendWaiting, script, rules);
    });
}

function byKey(calls: readonly Call[]): Call[][] {
  return [...Map.groupBy(calls, ({ key }) => key).values()];
}

/** Reads a subject's part of the reply. Some clients can be told to give numbers as strings. */
function settle(call: Call, reply: readonly unknown[], at: number, count: number): void {
  const outcome = OUTCOMES[Number(reply[at])];
  if (outcome === undefined || outcome === "foreign") {
    call.reject(
      new RateLimiterError(
        "INVALID_OPTION",
        "Redis holds something else under a key of this store; give the store a prefix that nobody else uses",
      ),
    );
    return;
  }
  const used: number[] = [];
  for (let index = at + 2; index < at + 2 + count; index++) used.push(Number(reply[index]));
  call.resolve({ outcome, blockedMs: Number(reply[at + 1]), used });
}
