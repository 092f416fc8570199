// A limiter on a real Redis, beside the bare command that it sends and beside its peers, through the same clients.

import { createRateLimiter, type RateLimitStore } from "@holdfast/rate-limiter";
import { redisStore } from "@holdfast/rate-limiter/redis";
import { startRedis } from "@holdfast/testing";
import { Redis } from "ioredis";
import { RedisStore } from "rate-limit-redis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { createClient } from "redis";
import type { Row } from "../harness.ts";
import { type AsyncSide, beside, type Rounds, roundsInFlight, roundsOneByOne } from "./in-flight.ts";
import { keysByChance } from "./keys.ts";
import { leaseRows } from "./leases.ts";
import { rowOf } from "./row.ts";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

const KEYS = 1000;

export async function redisRows(): Promise<Row[]> {
  await using server = await startRedis();
  const ioredis = new Redis(server.url);
  const nodeRedis = await createClient({ url: server.url }).connect();
  try {
    const sides = await sidesOf(ioredis, nodeRedis);
    const version = `on Redis ${/redis_version:(\S+)/.exec(await ioredis.info("server"))?.[1]}`;
    const together = await roundsInFlight(sides, { inFlight: 64, calls: 4000, rounds: 7 });
    const oneByOne = await roundsOneByOne(sides, { calls: 100, rounds: 101 });
    return [
      ...rowsOf(together, "64 in flight", version),
      ...rowsOf(oneByOne, "one by one", version),
      ...(await leaseRows(redisStore({ client: ioredis }), { on: "Redis", version, calls: [20_000, 3000] })),
    ];
  } finally {
    ioredis.disconnect();
    nodeRedis.destroy();
  }
}

type NodeRedis = Pick<ReturnType<typeof createClient>, "evalSha" | "eval">;

async function sidesOf(ioredis: Redis, nodeRedis: NodeRedis): Promise<Readonly<Record<string, AsyncSide>>> {
  const key = keysByChance(KEYS);
  const onIoredis = limiterOn(redisStore({ client: ioredis }));
  const onNodeRedis = limiterOn(redisStore({ client: nodeRedis }));
  const flexible = new RateLimiterRedis({ storeClient: ioredis, points: BURST, duration: WINDOW_MS / 1000 });
  const express = new RedisStore({
    sendCommand: (command: string, ...args: string[]) => ioredis.call(command, ...args) as Promise<string[]>,
  });
  express.init({ windowMs: WINDOW_MS } as Parameters<RedisStore["init"]>[0]);
  return {
    ioredis: () => onIoredis.consume(key()),
    redis: () => onNodeRedis.consume(key()),
    "bare EVALSHA by ioredis": await bareIoredis(ioredis, key),
    "bare EVALSHA by redis": await bareNodeRedis(nodeRedis, key),
    "rate-limiter-flexible": () => flexible.consume(key()),
    "rate-limit-redis": () => express.increment(key()),
  };
}

function limiterOn(store: RateLimitStore) {
  return createRateLimiter({ rules: RULE, store });
}

/** What our store sends for one call, as it was overheard, and sent again with other keys and no code of ours in between. */
async function bareIoredis(client: Redis, key: () => string): Promise<AsyncSide> {
  let heard: readonly string[] = [];
  const listener = {
    evalsha(sha: string, keyCount: number, ...rest: string[]) {
      heard = [sha, ...rest];
      return client.evalsha(sha, keyCount, ...rest);
    },
    eval: client.eval.bind(client),
    pipeline: client.pipeline.bind(client),
  };
  await limiterOn(redisStore({ client: listener as unknown as Redis })).consume("SUBJECT");
  const [sha = "", subject = "", ...args] = heard;
  const [before = "", after = ""] = subject.split("SUBJECT");
  return () => client.evalsha(sha, 1, before + key() + after, ...args);
}

async function bareNodeRedis(client: NodeRedis, key: () => string): Promise<AsyncSide> {
  let heard: { readonly sha: string; readonly subject: string; readonly args: readonly string[] } | undefined;
  const listener = {
    evalSha(sha: string, options: { keys: string[]; arguments: string[] }) {
      heard = { sha, subject: options.keys[0] ?? "", args: options.arguments };
      return client.evalSha(sha, options);
    },
    eval: client.eval.bind(client),
  };
  await limiterOn(redisStore({ client: listener as unknown as NodeRedis })).consume("SUBJECT");
  if (!heard) throw new Error("the store did not call evalSha");
  const { sha, subject, args } = heard;
  const [before = "", after = ""] = subject.split("SUBJECT");
  return () => client.evalSha(sha, { keys: [before + key() + after], arguments: [...args] });
}

function rowsOf(rounds: Rounds, how: string, version: string): Row[] {
  const row = (client: string, peer: string, atLeast: number): Row =>
    rowOf(
      beside(rounds, client, [peer]),
      peer,
      { name: `Redis by ${client}, ${how}`, unit: "ops/s", better: "higher", goal: { of: "ratio", atLeast } },
      peer.startsWith("bare") ? version : undefined,
    );
  return [
    row("ioredis", "bare EVALSHA by ioredis", 0.9),
    row("redis", "bare EVALSHA by redis", 0.9),
    row("ioredis", "rate-limiter-flexible", 1.1),
    row("ioredis", "rate-limit-redis", 0.9),
  ];
}
