// The Lua that Redis runs: the engine of token-bucket.ts over one hash a subject, atomic and in one round trip.

import { createHash } from "node:crypto";
import { MOST_RULES } from "../rule.ts";

export interface RedisScript {
  readonly text: string;
  /** By which Redis knows the text once it has seen it. */
  readonly sha: string;
}

/** What the first number of a subject's reply stands for; `foreign`: the key holds something that is no state of ours. */
export const OUTCOMES = ["passed", "refused", "blocked", "foreign"] as const;

const bucketFields = Array.from({ length: MOST_RULES }, (_, index) => `'${index + 1}'`).join(", ");

/** Reads the leases, ends those whose time is over, and refills from one end to the next, each time up to what the others leave. */
const LENT = `
    local all, moment = {}, fields[1]
    for id, tokens, ends in string.gmatch(leases, '(%S+) (%d+) (%d+);') do
      all[#all + 1] = {id = id, tokens = tonumber(tokens), ends = tonumber(ends)}
      lent = lent + tokens
    end
    table.sort(all, function(a, b) return a.ends < b.ends end)
    all[#all + 1] = {ends = at, tokens = 0}
    leases = {}
    for i = 1, count do used[i] = fields[4 + i] end
    for n = 1, #all do
      local lease = all[n]
      if n < #all and lease.ends > now then
        leases[#leases + 1], lent_until = lease, lease.ends
      else
        elapsed = max(0, lease.ends - moment)
        for i = 1, count do
          used[i] = max(min(used[i], lent * ARGV[3 * i + 1]), used[i] - elapsed * ARGV[3 * i])
        end
        moment, lent = max(moment, lease.ends), lent - lease.tokens
      end
    end`;

/**
 * A script takes subjects of one rule set, one after the other: it reads one, does what `act` says, and adds to the reply the
 * outcome's number, the rest of a block (or what was lent), and the units missing from each bucket.
 *
 * KEYS are the subjects' hashes. A field that is missing is 0:
 * - `a`: the millisecond for which the buckets are true; `1`, `2`, …: the units missing from each
 * - `b`: blocked until
 * - `k`: kept until, a second before the hash expires. It is never put earlier: another limiter of the same buckets may have left
 *   strikes that this one knows nothing of
 * - `l`: leases, as `id tokens end;` each
 * - `s…` and `t…`: the units missing from the strikes, and the millisecond for which that is true; named after the penalty's
 *   rule, since limiters of the same buckets may count strikes in different units
 *
 * ARGV is now (empty: by the server), the number of rules, `refillUnits`, `tokenUnits` and `capacityUnits` of each, the amount
 * (a cost, a duration, or what a lease asks for) for each subject, and with a penalty its rule's name, the same three figures of it, and `blockMs`.
 *
 * All numbers are whole and under 2^53: `redis.call` writes those in full, as Lua's own `tostring` and `..` would not.
 * No functions but for leases: Lua would make each of them anew in every run, at a third of a microsecond.
 */
function script(act: string): RedisScript {
  const text = `
local max, min, ceil, call = math.max, math.min, math.ceil, redis.call
local now, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local by_server = not now
if by_server then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local names = {'a', 'b', 'k', 'l', ${bucketFields}}
local amounts = 3 * count + 2
local penalty = amounts + #KEYS
local replies, last = {}, 0

for subject = 1, #KEYS do
  local key, amount, outcome = KEYS[subject], ARGV[amounts + subject], 0
  local fields = redis.pcall('HMGET', key, unpack(names, 1, 4 + count))
  if fields.err then
    if not string.find(fields.err, 'WRONGTYPE', 1, true) then return fields end
    outcome = 3
  end
  local is_known, leases, lent, lent_until, granted = fields[1], fields[4], 0, 0, nil
  fields[4] = nil
  for i = 1, 4 + count do
    fields[i] = tonumber(fields[i] or 0)
    if not fields[i] then fields[i], outcome = 0, 3 end
  end

  -- As of now. Time that stepped back refills nothing, and does not take the buckets' time with it.
  local at, blocked_until, kept_until, struck_until = max(fields[1], now), fields[2], fields[3], 0
  local used, elapsed = {}, at - fields[1]
  for i = 1, count do used[i] = max(0, fields[4 + i] - elapsed * ARGV[3 * i]) end
  if leases and outcome == 0 then
    ${LENT.trim()}
  end

  if outcome == 0 then
    ${act.trim()}
  end

  replies[last + 1], replies[last + 2] = outcome, granted or max(0, blocked_until - now)
  for i = 1, count do replies[last + 2 + i] = used[i] end
  last = last + 2 + count
end
return replies
`;
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/**
 * Keeps the hash until nothing in it matters any more, and a second longer, so that most calls on a busy key find it kept already.
 * It expires another second later, since the clocks of the servers that a key moves between differ. Redis' expiry doesn't know
 * of a caller's clock that stepped back, so by such a clock it is set each time.
 */
const KEEP = `
      local full_ms = 0
      for i = 1, count do full_ms = max(full_ms, used[i] / ARGV[3 * i]) end
      local matters_until = max(max(at, lent_until) + ceil(full_ms), blocked_until, struck_until)
      if matters_until > kept_until or not by_server then
        kept_until = max(kept_until, matters_until + 1000)
        call('HSET', key, 'k', kept_until)
        call('PEXPIRE', key, kept_until - now + 1000)
      end`;

const WRITE_BUCKETS = `
      local writes = {'a', at}
      for i = 1, count do
        writes[2 * i + 1], writes[2 * i + 2] = names[4 + i], used[i]
      end
      if leases then
        local packed = {}
        for n = 1, #leases do
          packed[n] = string.format('%s %.0f %.0f;', leases[n].id, leases[n].tokens, leases[n].ends)
        end
        writes[#writes + 1], writes[#writes + 2] = 'l', table.concat(packed)
        if #packed == 0 then
          writes[#writes], writes[#writes - 1] = nil, nil
          call('HDEL', key, 'l')
        end
      end
      call('HSET', key, unpack(writes))${KEEP}`;

/** Takes the cost from every bucket, or nothing from any. */
export const CONSUME: RedisScript = script(`
    if blocked_until > now then outcome = 2 end
    for i = 1, count do
      if outcome == 0 and used[i] + amount * ARGV[3 * i + 1] > tonumber(ARGV[3 * i + 2]) then outcome = 1 end
    end

    if outcome == 0 then
      for i = 1, count do used[i] = used[i] + amount * ARGV[3 * i + 1] end${WRITE_BUCKETS}
    elseif outcome == 1 and ARGV[penalty + 1] then
      -- A refusal takes a strike. Whoever takes the last one is blocked, and has them all again.
      local s, t = 's' .. ARGV[penalty + 1], 't' .. ARGV[penalty + 1]
      local refill, strike, capacity = ARGV[penalty + 2], ARGV[penalty + 3], tonumber(ARGV[penalty + 4])
      local strikes = call('HMGET', key, s, t)
      local struck_at = max(strikes[2] or 0, now)
      local struck = max(0, (strikes[1] or 0) - (struck_at - (strikes[2] or 0)) * refill) + strike
      if struck + strike > capacity then
        outcome, struck, blocked_until = 2, 0, now + ARGV[penalty + 5]
      end
      struck_until = struck_at + ceil(struck / refill)
      call('HSET', key, s, struck, t, struck_at, 'b', blocked_until)${KEEP}
    end
`);

export const PEEK: RedisScript = script(`
    if blocked_until > now then outcome = 2 end
`);

/** Puts the cost back, into buckets that are there. */
export const REFUND: RedisScript = script(`
    if is_known then
      for i = 1, count do
        used[i] = max(min(used[i], lent * ARGV[3 * i + 1]), used[i] - amount * ARGV[3 * i + 1])
      end${WRITE_BUCKETS}
    end
`);

/** Forgets all but the buckets' time, which is kept for the seconds that every hash is. */
export const RESET: RedisScript = script(`
    call('DEL', key)
    if is_known then
      blocked_until, kept_until, leases, lent_until = 0, 0, nil, 0
      for i = 1, count do used[i] = 0 end${WRITE_BUCKETS}
    end
`);

export const BLOCK: RedisScript = script(`
    blocked_until = now + amount
    call('HSET', key, 'b', blocked_until)${KEEP}
`);

export const UNBLOCK: RedisScript = script(`
    call('HDEL', key, 'b')
`);

/**
 * Takes back a lease, then lends as many tokens as are asked for, or as every bucket has, if those are enough. The amount is
 * `id tokens least ttlMs returnedId unspent`.
 */
export const LEASE: RedisScript = script(`
    local id, tokens, least, ttl, returned, unspent = string.match(amount, '^(%S+) (%d+) (%d+) (%d+) (%S+) (%d+)$')
    local is_changed = false
    leases = leases or {}
    for n = #leases, 1, -1 do
      if leases[n].id == returned then
        local back = min(tonumber(unspent), leases[n].tokens)
        for i = 1, count do used[i] = max(0, used[i] - back * ARGV[3 * i + 1]) end
        table.remove(leases, n)
        is_changed = true
      end
    end

    granted = tonumber(tokens)
    if blocked_until > now then outcome = 2 end
    for i = 1, count do
      local token, capacity = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
      local left = max(0, math.floor((capacity - used[i]) / token))
      -- A quotient of two doubles may round up across a whole number; the product tells.
      if left > 0 and used[i] + left * token > capacity then left = left - 1 end
      granted = min(granted, left)
    end
    if outcome == 0 and granted < tonumber(least) then outcome = 1 end
    if outcome > 0 then
      granted = nil
    elseif granted > 0 then
      for i = 1, count do used[i] = used[i] + granted * ARGV[3 * i + 1] end
      leases[#leases + 1] = {id = id, tokens = granted, ends = now + ttl}
      is_changed = true
    end
    lent_until = 0
    for n = 1, #leases do lent_until = max(lent_until, leases[n].ends) end
    if is_changed then${WRITE_BUCKETS}
    end
`);
