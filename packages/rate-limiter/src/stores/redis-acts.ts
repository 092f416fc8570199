// What the scripts do to a subject once it has been read: Lua, written out for each rule, so that it needs no loop and no table.

/** What a script is made for. */
export interface Shape {
  /** How many. */
  readonly rules: number;
  readonly hasPenalty: boolean;
  /** Whether the time is the caller's, not the server's own. */
  readonly isCallersTime: boolean;
  /** The figures of rules and penalty, where they stand in the text instead of among the arguments. */
  readonly figures?: readonly string[] | undefined;
}

/** How an act writes its Lua. */
export interface Pen {
  readonly shape: Shape;
  /** The same for each rule; they are numbered from 1. */
  each(line: (rule: number) => string, separator?: string): string;
  /** A rule's or the penalty's figure, numbered from 1: `refillUnits`, `tokenUnits`, `capacityUnits` of each rule, then the penalty's. */
  figure(index: number): string;
  /**
   * Writes the packed `state` back, and keeps the hash until nothing in it matters any more: until the buckets are full, and until
   * `others`. That is put a quarter further off and a second, so that most calls on a busy key find it kept already. The hash
   * expires another second later, since the clocks of the servers that a key moves between differ. Redis' expiry knows nothing
   * of a caller's clock that stepped back, so by such a clock it is set each time.
   */
  write(state: string, others: string): string;
}

/** The Lua that stands in a script in the place of step 3. */
export type Act = (pen: Pen) => string;

// See `textOf` for what is packed.
export const HEAD_FORMAT = "Bd";
export const HEAD_BYTES = 9;
/** By a caller's clock no state is plain. */
export const plain = ({ isCallersTime }: Shape): 0 | 1 => (isCallersTime ? 0 : 1);
export const bucketsFormat = ({ rules }: Shape): string => "d".repeat(1 + rules);

/** Writes all that is known. */
const writeAll: Act = ({ shape, each, write }) => `
      if leases then
        local packed = {}
        for n = 1, #leases do
          packed[n] = string.format('%s %.0f %.0f;', leases[n].id, leases[n].tokens, leases[n].ends)
        end
        if #packed > 0 then call('HSET', key, 'l', table.concat(packed)) else call('HDEL', key, 'l') end
        is_plain = 0
      end${write(
        `struct.pack('<${HEAD_FORMAT}${bucketsFormat(shape)}', is_plain, kept_until, at, ${each((i) => `used${i}`, ", ")})`,
        `if is_plain == 0 then full_at = max(full_at + max(0, lent_until - at), blocked_until) end`,
      )}`;

/** Writes the head alone: the buckets stay as they were, and so does their time. */
const writeHead = ({ shape, each, write }: Pen, others = ""): string => {
  const fresh = `struct.pack('<${bucketsFormat(shape)}', -1, ${each(() => "0", ", ")})`;
  return write(
    `struct.pack('<${HEAD_FORMAT}', is_plain, kept_until) .. (state and string.sub(state, ${HEAD_BYTES + 1}) or ${fresh})`,
    `full_at = max(full_at + max(0, lent_until - at), blocked_until${others})`,
  );
};

/** A refusal takes a strike. Whoever takes the last one is blocked, and has them all again. */
const takeStrike: Act = (pen) => {
  const [name, refill, token, capacity, blockMs] = [1, 2, 3, 4, 5].map((n) => pen.figure(3 * pen.shape.rules + n));
  return `
      local field, strike = 'p' .. ${name}, ${token} + 0
      local strikes = call('HGET', key, field)
      local struck, struck_at = 0, 0
      if strikes then struck, struck_at = struct.unpack('<dd', strikes) end
      struck = max(0, struck - max(0, now - struck_at) * ${refill}) + strike
      struck_at = max(struck_at, now)
      if struck + strike > ${capacity} + 0 then
        outcome, struck, blocked_until, is_plain = 2, 0, now + ${blockMs}, 0
        call('HSET', key, 'b', blocked_until)
      end
      call('HSET', key, field, struct.pack('<dd', struck, struck_at))${writeHead(pen, `, struck_at + struck / ${refill}`)}`;
};

/** Takes the cost from every bucket, or nothing from any. */
export const consume: Act = (pen) => `
    ${pen.each((i) => `local after${i} = used${i} + amount * token${i}`)}
    if blocked_until > now then
      outcome = 2
    elseif ${pen.each((i) => `after${i} <= capacity${i}`, " and ")} then
      ${pen.each((i) => `used${i} = after${i}`)}${writeAll(pen)}
    else
      outcome = 1${pen.shape.hasPenalty ? takeStrike(pen) : ""}
    end`;

export const peek: Act = () => `
    if blocked_until > now then outcome = 2 end`;

/** Puts the cost back, into buckets that are there. */
export const refund: Act = (pen) => `
    if is_known then
      ${pen.each((i) => `used${i} = max(min(used${i}, lent * token${i}), used${i} - amount * token${i})`)}${writeAll(pen)}
    end`;

/** Forgets all but the buckets' time, which is kept for the seconds that every hash is. */
export const reset: Act = (pen) => `
    call('DEL', key)
    if is_known then
      is_plain, blocked_until, kept_until, leases, lent_until = ${plain(pen.shape)}, 0, 0, false, 0
      ${pen.each((i) => `used${i} = 0`)}${writeAll(pen)}
    end`;

export const block: Act = (pen) => `
    blocked_until, is_plain = now + amount, 0
    call('HSET', key, 'b', blocked_until)${writeHead(pen)}`;

export const unblock: Act = (pen) => `
    if blocked_until > 0 then
      blocked_until = 0
      call('HDEL', key, 'b')${writeHead(pen)}
    end`;

/**
 * Takes back a lease, then lends as many tokens as are asked for, or as every bucket has, if those are enough. The amount is what
 * `leaseText` says.
 */
export const lease: Act = (pen) => `
    local id, tokens, least, ttl, returned, unspent = string.match(amount, '^(%S+) (%d+) (%d+) (%d+) (%S+) (%d+)$')
    local is_changed = false
    leases = leases or {}
    for n = #leases, 1, -1 do
      if leases[n].id == returned then
        local back = min(tonumber(unspent), leases[n].tokens)
        ${pen.each((i) => `used${i} = max(0, used${i} - back * token${i})`)}
        table.remove(leases, n)
        is_changed = true
      end
    end

    -- A quotient of two doubles may round up across a whole number; the product tells.
    local left
    granted = tonumber(tokens)
    ${pen.each(
      (i) => `left = max(0, math.floor((capacity${i} - used${i}) / token${i}))
    if left > 0 and used${i} + left * token${i} > capacity${i} then left = left - 1 end
    granted = min(granted, left)`,
    )}
    if blocked_until > now then
      outcome = 2
    elseif granted < tonumber(least) then
      outcome = 1
    elseif granted > 0 then
      ${pen.each((i) => `used${i} = used${i} + granted * token${i}`)}
      leases[#leases + 1] = {id = id, tokens = granted, ends = now + ttl}
      is_changed = true
    end
    if outcome > 0 then granted = nil end
    lent_until = 0
    for n = 1, #leases do lent_until = max(lent_until, leases[n].ends) end
    if is_changed then${writeAll(pen)}
    end`;
