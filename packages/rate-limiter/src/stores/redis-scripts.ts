// The Lua that Redis runs: the engine of token-bucket.ts over one hash a subject, atomic and in one round trip.

import { hash } from "node:crypto";
import { type Act, bucketsFormat, HEAD_BYTES, HEAD_FORMAT, type Pen, plain, type Shape } from "./redis-acts.ts";

export interface RedisScript {
  readonly text: string;
  /** By which Redis knows the text once it has seen it. */
  readonly sha: string;
}

/** What the first number of a subject's reply stands for; `foreign`: the key holds something that is no state of ours. */
export const OUTCOMES = ["passed", "refused", "blocked", "foreign"] as const;

/** The same script each time for what comes to the same text: many rule sets differ in their figures alone. */
export type ScriptShelf = (act: Act, shape: Shape) => RedisScript;

export function scriptShelf(): ScriptShelf {
  const scripts = new Map<string, RedisScript>();
  return (act, shape) => {
    const text = textOf(penFor(shape), act);
    const script = scripts.get(text) ?? { text, sha: hash("sha1", text) };
    scripts.set(text, script);
    return script;
  };
}

/**
 * A script takes subjects of one rule set, one after the other: it reads one, does what `act` says, and adds to the reply the
 * outcome's number, the rest of a block (or what was lent), and the units missing from each bucket. Where that is one subject of
 * one rule, and it passed, which is the usual call, the reply is those units alone.
 *
 * KEYS are the subjects' hashes:
 * - `s`: the state, packed, which takes a fraction of the time that decimals do. No hash of ours is without. First in it are a
 *   byte that is 1 if the state is plain: there never was a `b` or an `l`, and all of it was written by Redis' own time; and until when
 *   the hash is kept, a second before it expires: never put earlier, for another limiter of the same buckets may have left strikes
 *   that this one knows nothing of. Then come the millisecond for which the buckets are true, -1 where no call has passed yet,
 *   and the units missing from each
 * - `b`: blocked until
 * - `l`: leases, as `id tokens end;` each
 * - `p…`: the units missing from the strikes, and the millisecond for which that is true, packed; named after the penalty's
 *   rule, since limiters of the same buckets may count strikes in different units
 *
 * ARGV is the amount (a cost, a duration, or what a lease asks for) for each subject; then, unless they stand in the text, the
 * figures `refillUnits`, `tokenUnits` and `capacityUnits` of each rule, and with a penalty its rule's name, the same three figures of it, and
 * `blockMs`; and last the time, if it is the caller's. All numbers are whole and under 2^53, which doubles hold exactly.
 */
function textOf(pen: Pen, act: Act): string {
  const { shape, each } = pen;
  const buckets = `at, ${each((i) => `used${i}`, ", ")}`;
  return `
local call, max, min, first = redis.call, math.max, math.min, #KEYS
${each((i) => `local refill${i}, token${i}, capacity${i} = ${pen.figure(3 * i - 2)}, ${pen.figure(3 * i - 1)}, ${pen.figure(3 * i)} + 0`)}
local now, is_off, replies, last
${shape.isCallersTime ? "now = ARGV[#ARGV] + 0" : `if first > 1 then ${READ_TIME} end`}

for subject = 1, first do
  local key, amount, outcome = KEYS[subject], ARGV[subject], 0

  -- 1. What is kept. A key that holds something else is told, and left as it is.
  local is_plain, kept_until, ${buckets} = ${plain(shape)}, 0, -1, ${each(() => "0", ", ")}
  local blocked_until, leases, lent, lent_until, granted = 0, false, 0, 0, nil
  local state = redis.pcall('HGET', key, 's')
  if state and #state == ${HEAD_BYTES + 8 * (1 + shape.rules)} then
    is_plain, kept_until, ${buckets} = struct.unpack('<${HEAD_FORMAT}${bucketsFormat(shape)}', state)
    if is_plain == 1 then
      ${shape.isCallersTime ? "is_plain = 0" : READ_EXPIRY}
    else
      local more = call('HMGET', key, 'b', 'l')
      blocked_until, leases = tonumber(more[1] or 0), more[2]
    end
  elseif state and state.err and not string.find(state.err, 'WRONGTYPE', 1, true) then
    return state
  elseif state or call('EXISTS', key) == 1 then
    outcome = 3
  end
  ${shape.isCallersTime ? "" : `if not now then ${READ_TIME} end`}

  -- 2. As of now. Time that stepped back refills nothing, and does not take the buckets' time with it.
  local is_known = at >= 0
  if leases then
    ${refillBetweenLeases(pen).trim()}
  elseif now > at then
    ${each((i) => `used${i} = used${i} - (now - at) * refill${i}\n    if used${i} < 0 then used${i} = 0 end`)}
  end
  if now > at then at = now end

  -- 3. What is asked for.
  if outcome == 0 then
    ${act(pen).trim()}
  end

  -- 4. The reply.
  ${shape.rules === 1 ? "if first == 1 and outcome == 0 and not granted then return used1 end" : ""}
  replies, last = replies or {}, last or 0
  replies[last + 1], replies[last + 2] = outcome, granted or max(0, blocked_until - now)
  ${each((i) => `replies[last + ${2 + i}] = used${i}`)}
  last = last + ${2 + shape.rules}
end
return replies
`;
}

const READ_TIME = "local time = call('TIME') now = time[1] * 1000 + math.floor(time[2] / 1000)";

/**
 * The time of one subject is read off its hash's expiry, at a third of what TIME takes. That is not believed where it would take the
 * bucket back, nor where there is none: then the clock was set, or somebody has changed the expiry, and it is set again.
 */
const READ_EXPIRY = `if not now then
        local left = call('PTTL', key)
        now = kept_until + 1000 - left
        if left < 0 or now < at then now, is_off = nil, true end
      end`;

/** Reads the leases, ends those whose time is over, and refills from one end to the next, each time up to what the others leave. */
const refillBetweenLeases: Act = ({ each }) => `
    local all, moment = {}, at
    for id, tokens, ends in string.gmatch(leases, '(%S+) (%d+) (%d+);') do
      all[#all + 1] = {id = id, tokens = tonumber(tokens), ends = tonumber(ends)}
      lent = lent + tokens
    end
    table.sort(all, function(a, b) return a.ends < b.ends end)
    all[#all + 1] = {ends = max(at, now), tokens = 0}
    leases = {}
    for n = 1, #all do
      local lease = all[n]
      if n < #all and lease.ends > now then
        leases[#leases + 1], lent_until = lease, lease.ends
      else
        local elapsed = max(0, lease.ends - moment)
        ${each((i) => `used${i} = max(min(used${i}, lent * token${i}), used${i} - elapsed * refill${i})`)}
        moment, lent = max(moment, lease.ends), lent - lease.tokens
      end
    end`;

function penFor(shape: Shape): Pen {
  const each: Pen["each"] = (line, separator = "\n      ") =>
    Array.from({ length: shape.rules }, (_, index) => line(index + 1)).join(separator);
  return {
    shape,
    each,
    figure: (index) => (shape.figures ? literal(shape.figures[index - 1]) : `ARGV[first + ${index}]`),
    write: (state, others) => `
      local full_at = at + used1 / refill1
      ${each((i) => (i === 1 ? "" : `full_at = max(full_at, at + used${i} / refill${i})`))}
      ${others}
      local is_longer = full_at > kept_until
      if is_longer then kept_until = math.ceil(full_at + (full_at - now) / 4) + 1000 end
      call('HSET', key, 's', ${state})
      ${shape.isCallersTime ? "call('PEXPIRE', key, kept_until - now + 1000)" : "if is_longer or is_off then call('PEXPIREAT', key, kept_until + 1000) end"}`,
  };
}

/** Digits as they are, and the name of a penalty's rule, which has a slash, in quotes. */
function literal(figure = ""): string {
  return /^\d+$/.test(figure) ? figure : `'${figure}'`;
}
