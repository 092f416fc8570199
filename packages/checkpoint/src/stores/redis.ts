// Checkpoints in Redis: one hash a key, each change one script, and no expiry on anything.

import { unlessAborted } from "@holdfast/core";
import { type RedisClient, type RedisScript, redisScript, scriptRunner } from "@holdfast/core/redis";
import type { CheckpointStore, Condition, Entry, Outcome, SavedVersion, StoreCall } from "../checkpoint-store.ts";
import { CheckpointError } from "../errors.ts";

export type { RedisClient } from "@holdfast/core/redis";

export interface RedisStoreOptions {
  /** A client of ioredis or redis, version 5 or later: of one server, a cluster, or behind Sentinel. It stays the caller's. */
  readonly client: RedisClient;
  /**
   * What the store's keys begin with. All of them lie in one slot of a cluster, by the hash tag in braces, which a prefix of
   * your own must have too. Default `holdfast:{checkpoint}:`.
   */
  readonly prefix?: string | undefined;
}

const PAGE = 200;
const FIELDS = "'version', 'data', 'saved_at', 'fence', 'holder', 'beat', 'note'";

/*
 * KEYS: the entry's hash, the list of its earlier versions (the newest first: a line of JSON, then the data), and the sorted set
 * of the keys that have data. An entry's `data` and `holder` are missing where there is none. Lua's numbers are doubles, and all here are
 * under 2^53; `string.format` writes them in full, as `..` would not.
 */
const PREAMBLE = `
local e = redis.call('HMGET', KEYS[1], ${FIELDS})
local there = e[1] ~= false
local version, fence, beat = tonumber(e[1] or 0), tonumber(e[4] or 0), tonumber(e[6] or 0)
local function whole(number) return string.format('%.0f', number) end
local function holds(if_version, if_fence)
  if if_fence ~= '' and fence ~= tonumber(if_fence) then return false end
  if if_version == '' then return true end
  if if_version == '0' then return not e[2] end
  return e[2] and version == tonumber(if_version)
end
local function outcome(ok)
  local now = redis.call('HMGET', KEYS[1], ${FIELDS})
  return {ok and 1 or 0, now[1], now[2], now[3], now[4], now[5], now[6]}
end
`;

const READ = redisScript(`
return redis.call('HMGET', KEYS[1], ${FIELDS})
`);

// ARGV: key, data, savedAt, ifVersion, fence, keep, whether there is a note, note
const SAVE = redisScript(`${PREAMBLE}
if not holds(ARGV[4], ARGV[5]) or (not there and ARGV[5] ~= '') then return outcome(false) end
local keep = tonumber(ARGV[6])
if keep == 0 then
  redis.call('DEL', KEYS[2])
elseif e[2] then
  redis.call('LPUSH', KEYS[2], cjson.encode({e[1], e[3], e[7]}) .. '\\n' .. e[2])
  redis.call('LTRIM', KEYS[2], 0, keep - 1)
end
redis.call('HSET', KEYS[1], 'version', whole(version + 1), 'data', ARGV[2], 'saved_at', ARGV[3],
  'fence', whole(fence), 'beat', whole(beat))
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'note', ARGV[8]) else redis.call('HDEL', KEYS[1], 'note') end
redis.call('ZADD', KEYS[3], 0, ARGV[1])
return outcome(true)
`);

// ARGV: key, ifVersion, fence
const DELETE = redisScript(`${PREAMBLE}
if not e[2] or not holds(ARGV[2], ARGV[3]) then return outcome(false) end
redis.call('HSET', KEYS[1], 'version', whole(version + 1))
redis.call('HDEL', KEYS[1], 'data', 'note')
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return outcome(true)
`);

// ARGV: holder, and the fence and beat that were seen, or nothing
const GRANT = redisScript(`${PREAMBLE}
if ARGV[2] == '' then
  if there then return outcome(false) end
elseif not there or fence ~= tonumber(ARGV[2]) or beat ~= tonumber(ARGV[3]) then
  return outcome(false)
end
redis.call('HSET', KEYS[1], 'version', whole(version), 'saved_at', e[3] or '0',
  'fence', whole(fence + 1), 'holder', ARGV[1], 'beat', whole(beat + 1))
return outcome(true)
`);

// ARGV: fence, whether to release
const RENEW = redisScript(`${PREAMBLE}
if not e[5] or fence ~= tonumber(ARGV[1]) then return outcome(false) end
redis.call('HSET', KEYS[1], 'beat', whole(beat + 1))
if ARGV[2] == '1' then redis.call('HDEL', KEYS[1], 'holder') end
return outcome(true)
`);

const VERSIONS = redisScript(`
local e = redis.call('HMGET', KEYS[1], ${FIELDS})
return {e, redis.call('LRANGE', KEYS[2], 0, -1)}
`);

// ARGV: the range's ends, how many; then KEYS[1] is the index, and what comes of it is looked up by the caller
const LIST = redisScript(`
return redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
`);

/**
 * Checkpoints in Redis 5 or later, or in Valkey.
 *
 * - A save is atomic on the server. It outlives the server as far as its persistence goes: `appendfsync always` each save, `everysec` all but
 *   the last second's, none nothing.
 * - Replication is asynchronous: a failover may take back what the replica had not been told, the last saves and grants. A version can then
 *   go back; the work between is done again.
 * - Redis must not evict: `maxmemory-policy noeviction`.
 *
 * @throws CheckpointError `INVALID_OPTION`; HoldfastError `INVALID_CLIENT`
 */
export function redisStore({ client, prefix = "holdfast:{checkpoint}:" }: RedisStoreOptions): CheckpointStore {
  if (!/\{[^{}]+\}/.test(prefix)) {
    throw new CheckpointError(
      "INVALID_OPTION",
      `prefix ${JSON.stringify(prefix)} has no hash tag; write "app:{checkpoint}:"`,
    );
  }
  const run = scriptRunner(client);
  const index = `${prefix}index`;
  const keysOf = (key: string): string[] => [`${prefix}k:${key}`, `${prefix}v:${key}`, index];

  async function ask(
    call: StoreCall | undefined,
    script: RedisScript,
    keys: string[],
    args: string[],
  ): Promise<unknown[]> {
    call?.signal?.throwIfAborted();
    const asked = run(script, keys, args).catch((cause: unknown) => {
      throw new CheckpointError("STORE_FAILED", `Redis failed: ${(cause as Error).message}`, { cause });
    });
    return (await unlessAborted(asked, call?.signal)) as unknown[];
  }

  async function change(
    key: string,
    call: StoreCall | undefined,
    script: RedisScript,
    args: string[],
  ): Promise<Outcome> {
    const [ok, ...fields] = await ask(call, script, keysOf(key), args);
    const entry = toEntry(key, fields);
    return Number(ok) === 1 && entry ? { ok: true, entry } : { ok: false, entry };
  }

  async function read(key: string, call?: StoreCall): Promise<Entry | undefined> {
    return toEntry(key, await ask(call, READ, keysOf(key), []));
  }

  const condition = ({ ifVersion, fence }: Condition): [string, string] => [`${ifVersion ?? ""}`, `${fence ?? ""}`];

  return {
    read,
    save(key, data, options, call) {
      const { savedAt, keep = 0, note } = options;
      const args = [
        key,
        data,
        `${savedAt}`,
        ...condition(options),
        `${keep}`,
        note === undefined ? "0" : "1",
        note ?? "",
      ];
      return change(key, call, SAVE, args);
    },
    delete: (key, options = {}, call) => change(key, call, DELETE, [key, ...condition(options)]),
    grant: (key, holder, seen, call) =>
      change(key, call, GRANT, [holder, `${seen?.fence ?? ""}`, `${seen?.beat ?? ""}`]),
    renew: (key, fence, call) => change(key, call, RENEW, [`${fence}`, "0"]),
    release: (key, fence, call) => change(key, call, RENEW, [`${fence}`, "1"]),
    async *list(prefixOfKeys, call) {
      for (let from = `[${prefixOfKeys}`; ; ) {
        const keys = (await ask(call, LIST, [index], [from, "+", `${PAGE}`])).map(String);
        const inRange = keys.filter((key) => key.startsWith(prefixOfKeys));
        const entries = await Promise.all(inRange.map((key) => read(key, call)));
        for (const entry of entries) {
          if (entry?.data != null) yield { key: entry.key, version: entry.version, savedAt: entry.savedAt };
        }
        const last = inRange.at(-1);
        if (inRange.length < PAGE || last === undefined) return;
        from = `(${last}`;
      }
    },
    async versions(key, call) {
      const [fields, kept] = (await ask(call, VERSIONS, keysOf(key), [])) as [unknown[], string[]];
      const entry = toEntry(key, fields);
      if (entry?.data == null) return [];
      const { version, data, savedAt } = entry;
      return [{ version, data, savedAt, note: (fields[6] as string | null) ?? undefined }, ...kept.map(toVersion)];
    },
    async close() {},
  };
}

function toEntry(key: string, fields: readonly unknown[]): Entry | undefined {
  const [version, data, savedAt, fence, holder, beat] = fields as (string | null | undefined)[];
  if (version == null) return undefined;
  return {
    key,
    version: Number(version),
    data: data ?? null,
    savedAt: Number(savedAt ?? 0),
    fence: Number(fence ?? 0),
    holder: holder ?? null,
    beat: Number(beat ?? 0),
  };
}

function toVersion(text: string): SavedVersion {
  const end = text.indexOf("\n");
  const [version, savedAt, note] = JSON.parse(text.slice(0, end)) as [string, string, string | false];
  return { version: Number(version), savedAt: Number(savedAt), data: text.slice(end + 1), note: note || undefined };
}
