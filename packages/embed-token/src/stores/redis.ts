// Marks and revocations in Redis, shared by every instance that asks it.

import { randomUUID } from "node:crypto";
import { unlessAborted } from "@holdfast/core";
import { type RedisClient, redisScript, scriptRunner } from "@holdfast/core/redis";
import { EmbedTokenError } from "../errors.ts";
import type { StoreCall, TokenStore } from "../token-store.ts";

export type { RedisClient } from "@holdfast/core/redis";

export interface RedisTokenStoreOptions {
  /**
   * A client of ioredis or of redis (node-redis), version 5 or later: of one server, a cluster, or behind Sentinel. It stays the
   * caller's, who connects it, listens to its errors and closes it.
   */
  readonly client: RedisClient;
  /** What the store's keys begin with. Default `holdfast:embed:`. */
  readonly prefix?: string | undefined;
}

/**
 * KEYS[1]: the mark. ARGV: this call's own value, how many milliseconds to keep it.
 * A client that repeats a command after a lost connection finds its own value, and so what it would have been told.
 */
const MARK = redisScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 1
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return 1
end
return 0
`);

/** KEYS[1]: the revocation. ARGV: issuedUpTo, how many milliseconds to keep it; for good is `inf` in both. */
const REVOKE = redisScript(`
-- tonumber knows no infinity everywhere, and what it makes of 13 digits would be written with an exponent: so texts are kept.
local function later(a, b)
  if a == 'inf' or b == 'inf' then
    return 'inf'
  end
  return tonumber(a) >= tonumber(b) and a or b
end

local issued_up_to, keep_ms = ARGV[1], ARGV[2]
local kept = redis.call('GET', KEYS[1])
if kept then
  local left_ms = redis.call('PTTL', KEYS[1])
  issued_up_to = later(issued_up_to, kept)
  keep_ms = later(keep_ms, left_ms == -1 and 'inf' or string.format('%.0f', left_ms))
end
if keep_ms == 'inf' then
  redis.call('SET', KEYS[1], issued_up_to)
else
  redis.call('SET', KEYS[1], issued_up_to, 'PX', keep_ms)
end
return 1
`);

/** KEYS: revocations. */
const REVOCATIONS = redisScript(`return redis.call('MGET', unpack(KEYS))`);

/**
 * A store in Redis 5 or later, in Valkey, or in what else runs their scripts.
 *
 * - In a cluster, marks are on all nodes, and revocations, of which four are read at once, on one.
 * - Redis must not drop keys when its memory is full (`maxmemory-policy noeviction`): a mark that is dropped makes its token good again.
 * - Replication is asynchronous. A failover can forget what was marked or revoked in the moment before, and a restart without
 *   persistence forgets everything; Postgres does not.
 *
 * @example
 * const store = redisTokenStore({ client: new Redis() });
 * const tokens = createEmbedTokens({ keys, issuer, audience, once: store, revocations: store });
 * @throws EmbedTokenError `INVALID_OPTION`: a client that is neither
 */
export function redisTokenStore({ client, prefix = "holdfast:embed:" }: RedisTokenStoreOptions): TokenStore {
  const run = runnerOf(client);
  const markKey = (name: string): string => `${prefix}used:${name}`;
  // Keys with the same text in braces are on the same node.
  const revocationKey = (name: string): string => `${prefix}{revoked}:${name}`;

  async function ask(
    script: typeof MARK,
    keys: string[],
    args: string[],
    call: StoreCall | undefined,
  ): Promise<unknown> {
    call?.signal?.throwIfAborted();
    return await unlessAborted(run(script, keys, args), call?.signal);
  }

  return {
    async mark(name, keepMs, call) {
      return (await ask(MARK, [markKey(name)], [randomUUID(), String(keepMs)], call)) === 1;
    },
    async revoke(name, issuedUpTo, keepMs, call) {
      await ask(REVOKE, [revocationKey(name)], [textOf(issuedUpTo), textOf(keepMs)], call);
    },
    async revocations(names, call) {
      const found = (await ask(REVOCATIONS, names.map(revocationKey), [], call)) as readonly (string | null)[];
      return found.map((text) => (text === null ? undefined : numberOf(text)));
    },
    async close() {},
  };
}

function textOf(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "inf" : String(value);
}

/** What is no number was written by somebody else, and revokes everything rather than nothing. */
function numberOf(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

function runnerOf(client: RedisClient): ReturnType<typeof scriptRunner> {
  try {
    return scriptRunner(client);
  } catch (error) {
    throw new EmbedTokenError("INVALID_OPTION", (error as Error).message, { cause: error });
  }
}
