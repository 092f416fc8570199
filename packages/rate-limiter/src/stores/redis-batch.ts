// Calls of the same moment go to Redis together: one run of a script takes them one after the other.

import { isErrorReply, type RunScript } from "@holdfast/core/redis";
import { RateLimiterError } from "../errors.ts";
import type { StoreReading } from "../store.ts";
import { OUTCOMES, type RedisScript } from "./redis-scripts.ts";

/** A script for one rule set, and the calls that gather for its next run. */
export interface Lane {
  readonly script: RedisScript;
  /** How many rules. */
  readonly rules: number;
  /** The script's arguments after the subjects' amounts. */
  readonly figures: readonly string[];
  gathered: Call[] | undefined;
}

interface Call {
  readonly key: string;
  readonly amount: string;
  resolve(reading: StoreReading): void;
  reject(error: unknown): void;
}

export interface CallOnLane {
  readonly lane: Lane;
  readonly key: string;
  readonly amount: string;
}

export interface Batches {
  /** Leaves at once if nothing is on its way. Otherwise calls gather until the event loop has read all that came in. */
  ask(call: CallOnLane): Promise<StoreReading>;
  /** All of them at once. */
  askMany(calls: readonly CallOnLane[]): Promise<StoreReading[]>;
}

// While a script runs, Redis serves nobody else: a hundred subjects take it about a fifth of a millisecond.
const LARGEST_BATCH = 100;

/** `now`: the time to be told to Redis, if that is the caller's. */
export function batches(runScript: RunScript, now: (() => string) | undefined): Batches {
  let isCluster = false;
  let onTheirWay = 0;

  /** One round trip. Not an async function: all calls come this way, and each promise takes its time. */
  function run<Result>(
    { script, figures }: Lane,
    keys: string[],
    amounts: readonly string[],
    read: (reply: unknown) => Result,
  ): Promise<Result> {
    const args = [...amounts, ...figures];
    if (now) args.push(now());
    onTheirWay++;
    return runScript(script, keys, args).then(
      (reply) => {
        onTheirWay--;
        return read(reply);
      },
      (error: unknown) => {
        onTheirWay--;
        throw error;
      },
    );
  }

  async function send(lane: Lane, calls: readonly Call[]): Promise<void> {
    const keys = calls.map(({ key }) => key);
    const amounts = calls.map(({ amount }) => amount);
    try {
      await run(lane, keys, amounts, (reply) => settle(calls, lane, reply));
    } catch (error) {
      const calledApart = byKey(calls);
      if (calledApart.length > 1 && isErrorReply(error, "CROSSSLOT", "TRYAGAIN")) {
        isCluster = true;
        for (const onOneKey of calledApart) void send(lane, onOneKey);
      } else {
        for (const call of calls) call.reject(error);
      }
    }
  }

  function sendGathered(lane: Lane): void {
    const calls = lane.gathered ?? [];
    lane.gathered = undefined;
    // In a cluster, or behind a proxy that hides one, each key has its own node.
    for (const batch of isCluster ? byKey(calls) : [calls]) {
      for (let from = 0; from < batch.length; from += LARGEST_BATCH) {
        void send(lane, batch.slice(from, from + LARGEST_BATCH));
      }
    }
  }

  /** `whenFirst`: called with a lane on which nothing had gathered yet. */
  function gather({ lane, key, amount }: CallOnLane, whenFirst: (lane: Lane) => void): Promise<StoreReading> {
    return new Promise((resolve, reject) => {
      if (!lane.gathered) {
        lane.gathered = [];
        whenFirst(lane);
      }
      lane.gathered.push({ key, amount, resolve, reject });
    });
  }

  return {
    ask(call) {
      if (onTheirWay > 0) return gather(call, (lane) => setImmediate(sendGathered, lane));
      const { lane, key, amount } = call;
      return run(lane, [key], [amount], (reply) => readingIn(reply, 0, lane));
    },
    askMany(calls) {
      const lanes = new Set(calls.map(({ lane }) => lane));
      const readings = Promise.all(calls.map((call) => gather(call, () => {})));
      for (const lane of lanes) sendGathered(lane);
      return readings;
    },
  };
}

function byKey(calls: readonly Call[]): Call[][] {
  return [...Map.groupBy(calls, ({ key }) => key).values()];
}

function settle(calls: readonly Call[], lane: Lane, reply: unknown): void {
  for (const [index, { resolve, reject }] of calls.entries()) {
    try {
      resolve(readingIn(reply, index, lane));
    } catch (error) {
      reject(error);
    }
  }
}

/**
 * A subject's part of the reply. Some clients can be told to give numbers as strings.
 *
 * @throws RateLimiterError `FOREIGN_STATE`
 */
function readingIn(reply: unknown, subject: number, { rules }: Lane): StoreReading {
  if (!Array.isArray(reply)) return { outcome: "passed", blockedMs: 0, used: [Number(reply)] };
  const start = subject * (2 + rules);
  const outcome = OUTCOMES[Number(reply[start])];
  if (outcome === undefined || outcome === "foreign") {
    throw new RateLimiterError(
      "FOREIGN_STATE",
      "Redis holds something else under a key of this store; give the store a prefix that nobody else uses",
    );
  }
  const used: number[] = [];
  for (let index = start + 2; index < start + 2 + rules; index++) used.push(Number(reply[index]));
  return { outcome, blockedMs: Number(reply[start + 1]), used };
}
