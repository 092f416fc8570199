// Records in Redis for a while, in front of the store that keeps them: a check then costs that store nothing.

import {
  type Clock,
  type Duration,
  type Logger,
  parseDuration,
  silentLogger,
  systemClock,
  unlessAborted,
} from "@holdfast/core";
import { type RedisClient, redisScript, scriptRunner } from "@holdfast/core/redis";
import { ApiKeyError } from "../errors.ts";
import type { FindCall, KeyRecord, KeyStore } from "../key-store.ts";

export type { RedisClient } from "@holdfast/core/redis";

export interface RedisCacheOptions {
  /** A client of ioredis or redis, version 5 or later: of one server, a cluster, or behind Sentinel. It stays the caller's. */
  readonly client: RedisClient;
  /**
   * How long a copy is good for: the longest that a key which was revoked elsewhere goes on working, whatever fails. As a rule the
   * revocation takes the copy away at once. Default 5 s, at most 5 minutes.
   */
  readonly ttl?: Duration | undefined;
  /** How long it is known that there is no such key. Default 1 s; never more than `ttl`. */
  readonly negativeTtl?: Duration | undefined;
  /** How long a check waits for Redis before it asks the store instead. Default 100 ms. */
  readonly deadline?: Duration | undefined;
  /** What the cache's keys begin with. Default `holdfast:key:`. */
  readonly prefix?: string | undefined;
  readonly logger?: Logger | undefined;
  /** Times loads and the deadline. Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

const MOST_TTL_MS = 300_000;
/** How long Redis is left alone after it failed. */
const REST_MS = 1000;
const NOBODY = "-";

/*
 * Two keys an id, in one slot of a cluster: `…:e`, the copy, and `…:g`, its generation, a word by chance. A load takes the generation
 * first, and its copy is kept only while that is still the same: so what was read before a change is never put back after it. An
 * eviction of the generation only makes the next copy be refused.
 */
const FIND = redisScript(`
local copy = redis.call('GET', KEYS[1])
if copy then return {copy} end
redis.call('SET', KEYS[2], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {false, redis.call('GET', KEYS[2])}
`);

const KEEP = redisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`);

const FORGET = redisScript(`
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('DEL', KEYS[1])
`);

/**
 * A store that answers `find` from Redis. Whoever can write to Redis can make keys, as with the store itself: guard both alike.
 *
 * - A change through any instance takes the copy away in the same call, and checks that start later see it, everywhere.
 * - Where Redis could not be told, a copy lives on for at most `ttl` from when its record was read: `maxStaleMs`.
 * - A copy never outlives its key, and a load that is under way can't put back what was revoked meanwhile.
 * - Where Redis is slow or gone, one check waits for the deadline; the store is asked then, and for a second by all.
 *
 * @example
 * const store = withRedisCache(postgresKeyStore({ client: pool }), { client: redis, ttl: "5s" });
 *
 * @throws ApiKeyError `INVALID_OPTION`; HoldfastError `INVALID_CLIENT`
 */
export function withRedisCache(store: KeyStore, options: RedisCacheOptions): KeyStore {
  const { prefix = "holdfast:key:", logger = silentLogger, clock = systemClock } = options;
  const ttlMs = durationOf("ttl", options.ttl ?? "5s", MOST_TTL_MS);
  const negativeTtlMs = Math.min(ttlMs, durationOf("negativeTtl", options.negativeTtl ?? "1s", MOST_TTL_MS));
  const deadlineMs = durationOf("deadline", options.deadline ?? "100ms", 60_000);
  const run = scriptRunner(options.client);
  let restsUntil = Number.NEGATIVE_INFINITY;

  const keysOf = (id: string): string[] => [`${prefix}{${id}}:e`, `${prefix}{${id}}:g`];
  const newGeneration = (): string => crypto.randomUUID();

  /** What the script says, or undefined where Redis does not answer in time: then it is left alone for a while. */
  async function ask(script: typeof FIND, id: string, args: string[]): Promise<unknown> {
    if (clock.monotonic() < restsUntil) return undefined;
    const late = new AbortController();
    const cancel = clock.schedule(() => late.abort(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs, {
      keepAlive: false,
    });
    try {
      return await unlessAborted(run(script, keysOf(id), args), late.signal);
    } catch (error) {
      restsUntil = clock.monotonic() + REST_MS;
      logger.warn({ error }, "Redis does not answer; API keys are looked up in their store");
      return undefined;
    } finally {
      cancel();
    }
  }

  async function load(id: string, generation: string, call: FindCall | undefined): Promise<KeyRecord | undefined> {
    const startedAt = clock.monotonic();
    const record = await store.find(id, call);
    const leftMs = record?.expiresAt == null ? Number.POSITIVE_INFINITY : record.expiresAt - clock.now();
    const ttl = Math.floor(Math.min(record ? ttlMs : negativeTtlMs, leftMs) - (clock.monotonic() - startedAt));
    // Not waited for: who asked has an answer.
    if (ttl > 0) void ask(KEEP, id, [generation, record ? written(record) : NOBODY, String(ttl)]);
    return record;
  }

  /** Tried even where Redis rests: a change is rare, and worth the wait. */
  async function forget(ids: readonly string[]): Promise<void> {
    restsUntil = Number.NEGATIVE_INFINITY;
    await Promise.all(ids.map((id) => ask(FORGET, id, [newGeneration(), String(2 * MOST_TTL_MS)])));
  }

  async function find(id: string, call?: FindCall): Promise<KeyRecord | undefined> {
    call?.signal?.throwIfAborted();
    if (call?.fresh || !/^[0-9A-Za-z_-]{1,64}$/.test(id)) return await store.find(id, call);
    const reply = (await ask(FIND, id, [newGeneration(), String(2 * MOST_TTL_MS)])) as unknown[] | undefined;
    call?.signal?.throwIfAborted();
    if (reply === undefined) return await store.find(id, call);
    const [copy, generation] = reply;
    if (copy === NOBODY) return undefined;
    const record = typeof copy === "string" ? read(copy) : undefined;
    if (record?.id === id) return record;
    return await load(id, String(generation ?? ""), call);
  }

  return {
    find,
    maxStaleMs: ttlMs + (store.maxStaleMs ?? 0),
    ...(store.findForeign && { findForeign: store.findForeign.bind(store) }),
    async add(records, call) {
      await store.add(records, call);
      await forget(records.map(({ id }) => id));
    },
    async update(id, version, change, added, call) {
      try {
        return await store.update(id, version, change, added, call);
      } finally {
        // Also after an error, for the change may have been made all the same.
        await forget(added ? [id, added.id] : [id]);
      }
    },
    touch: (id, usedAt, call) => store.touch(id, usedAt, call),
    list: (filter, call) => store.list(filter, call),
    close: () => store.close(),
  };
}

/** Goes up with every change of what is written: other instances may run another version of this package. */
const FORM = 1;

function written(record: KeyRecord): string {
  return JSON.stringify([FORM, { ...record, digest: Buffer.from(record.digest).toString("base64") }]);
}

/** Undefined for what another version has written, or something else. */
function read(text: string): KeyRecord | undefined {
  try {
    const [form, record] = JSON.parse(text) as [number, KeyRecord & { readonly digest: string }];
    return form === FORM ? { ...record, digest: Buffer.from(record.digest, "base64") } : undefined;
  } catch {
    return undefined;
  }
}

function durationOf(option: string, duration: Duration, mostMs: number): number {
  const ms = parseDuration(duration);
  if (ms >= 1 && ms <= mostMs) return ms;
  throw new ApiKeyError(
    "INVALID_OPTION",
    `${option} is ${String(duration)}; give a duration from 1 ms to ${mostMs} ms`,
  );
}
