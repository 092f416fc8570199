// The functions that decide a call: the engine of token-bucket.ts on one row.
//
// Functions, because their plans are kept by the session: as one statement of its own this would be parsed and planned at
// each call, which takes longer than running it.

import type { Names } from "./postgres-names.ts";

/** Milliseconds since 1970, whole. clock_timestamp(), because now() stands still inside a transaction. */
export const NOW_MS = "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint";

export const CONSUME_TYPES = "bytea, bigint, bigint[], bigint[], bigint";
export const CONSUME_BY_ONE_TYPES = "bytea, bigint, bigint, bigint, bigint, bigint, bigint[], bigint";

/** What row t misses by now. Time that stepped back refills nothing. */
const USED_NOW = "greatest(0, t.used[1] - least(greatest(0, now_ms - t.at), enough_ms) * refill)";

/**
 * The usual call in one go, which takes two thirds of the time: one rule, a row that is there, nothing of it is lent, and it
 * passes. The reply is then the units missing from the bucket, and what `consumeSql` replies otherwise.
 */
export function consumeByOneSql({ table, consume, consumeByOne }: Names): string {
  return `
  CREATE OR REPLACE FUNCTION ${consumeByOne}(
    key bytea, cost bigint, token bigint, refill bigint, capacity bigint, enough_ms bigint, penalty bigint[], given_ms bigint
  )
  RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off
  AS $consume$
  DECLARE
    now_ms bigint := coalesce(given_ms, ${NOW_MS});
    reading text;
  BEGIN
    -- Whoever else is writing the row is waited for, and what they have written is what counts. A row that does not match is
    -- not written.
    UPDATE ${table} AS t
       SET at = greatest(t.at, now_ms),
           used = ARRAY[${USED_NOW} + cost * token],
           full_at = greatest(t.full_at, greatest(t.at, now_ms) + (${USED_NOW} + cost * token + refill - 1) / refill)
     WHERE t.subject = key
       AND ${USED_NOW} <= capacity - cost * token
       AND coalesce(t.blocked_until, 0) <= now_ms
       AND t.leases IS NULL
    RETURNING t.used[1]::text INTO reading;
    IF FOUND THEN
      RETURN reading;
    END IF;
    RETURN ${consume}(key, cost, ARRAY[ARRAY[token, refill, capacity, enough_ms]], penalty, given_ms);
  END
  $consume$;`;
}

/**
 * Any call. `rules` has a row of tokenUnits, refillUnits, capacityUnits and enoughMs for each rule, where enoughMs is a time in which any
 * bucket fills up: what is longer counts as that, so that no product exceeds a bigint. `penalty` is one such row and blockMs.
 * The reply is the outcome, the rest of a block, and the units missing from each bucket, separated by commas.
 */
export function consumeSql({ table, consume, asOf }: Names): string {
  return `
  CREATE OR REPLACE FUNCTION ${consume}(key bytea, cost bigint, rules bigint[], penalty bigint[], given_ms bigint)
  RETURNS text
  LANGUAGE plpgsql
  -- A plan made while the table was small must not read all of it when it has grown.
  SET enable_seqscan = off
  AS $consume$
  DECLARE
    kept record;
    now_ms bigint;
    new_at bigint;
    new_used bigint[];
    new_full_at bigint;
    used_now bigint[];
    lent_ms bigint;
    units bigint;
    fits boolean;
    struck_at bigint;
    blocks boolean;
  BEGIN
    FOR attempt IN 1 .. 20 LOOP
      -- 1. The row as it was last committed. No lock: most refusals need nothing more, and write nothing.
      SELECT t.xmin AS version, t.at, t.used, t.full_at, t.blocked_until, t.leases,
             t.strikes_at, CASE WHEN t.strike_units = penalty[1] THEN t.strikes_used END AS strikes_used
        INTO kept
        FROM ${table} AS t
       WHERE t.subject = key;
      now_ms := coalesce(given_ms, ${NOW_MS});

      -- 2. What is lent keeps the buckets from filling up until its time is over.
      lent_ms := 0;
      IF kept.leases IS NOT NULL THEN
        SELECT s.at, s.used, s.leases, greatest(0, s.lent_until - s.at)
          INTO kept.at, kept.used, kept.leases, lent_ms
          FROM ${asOf}(kept.at, kept.used, kept.leases, rules, now_ms) AS s;
      END IF;

      -- 3. What each bucket misses by now, and would with the cost. A bucket's time never moves back. GREATEST and LEAST
      --    ignore NULL, so all comes out as for full buckets where there is no row.
      new_at := greatest(kept.at, now_ms);
      new_full_at := kept.full_at;
      new_used := '{}';
      used_now := '{}';
      fits := true;
      FOR i IN 1 .. array_length(rules, 1) LOOP
        units := greatest(0, kept.used[i] - least(new_at - kept.at, rules[i][4]) * rules[i][2]);
        used_now := used_now || units;
        units := units + cost * rules[i][1];
        new_used := new_used || units;
        IF units > rules[i][3] THEN
          fits := false;
        END IF;
        new_full_at := greatest(new_full_at, new_at + lent_ms + (units + rules[i][2] - 1) / rules[i][2]);
      END LOOP;

      IF kept.blocked_until > now_ms THEN
        RETURN 'blocked,' || kept.blocked_until - now_ms || ',' || array_to_string(used_now, ',');
      END IF;

      -- 4. Written if nobody has written since step 1: xmin tells the versions of a row apart.
      IF fits THEN
        IF kept.version IS NULL THEN
          INSERT INTO ${table} (subject, at, used, full_at)
          VALUES (key, new_at, new_used, new_full_at)
          ON CONFLICT DO NOTHING;
        ELSE
          UPDATE ${table} AS t
             SET at = new_at, used = new_used, full_at = new_full_at, leases = kept.leases
           WHERE t.subject = key AND t.xmin = kept.version;
        END IF;
        IF FOUND THEN
          RETURN 'passed,0,' || array_to_string(new_used, ',');
        END IF;

      ELSIF penalty IS NULL OR kept.version IS NULL THEN
        RETURN 'refused,0,' || array_to_string(used_now, ',');

      -- 5. The refusal takes a strike. Whoever takes the last one is blocked, and has them all again.
      ELSE
        struck_at := greatest(kept.strikes_at, now_ms);
        units := penalty[1] + greatest(0, kept.strikes_used - least(struck_at - kept.strikes_at, penalty[4]) * penalty[2]);
        blocks := units + penalty[1] > penalty[3];
        UPDATE ${table} AS t
           SET strikes_at = struck_at,
               strikes_used = CASE WHEN blocks THEN 0 ELSE units END,
               strike_units = penalty[1],
               blocked_until = CASE WHEN blocks THEN now_ms + penalty[5] ELSE t.blocked_until END,
               full_at = greatest(t.full_at, struck_at + (units + penalty[2] - 1) / penalty[2])
         WHERE t.subject = key AND t.xmin = kept.version;
        IF FOUND THEN
          RETURN CASE WHEN blocks THEN 'blocked,' || penalty[5] ELSE 'refused,0' END || ',' || array_to_string(used_now, ',');
        END IF;
      END IF;

${onceMoreUnderALock(table)}
  $consume$;`;
}

/** The end of a function that tries until nobody else has written meanwhile. */
export function onceMoreUnderALock(table: string): string {
  return `      -- Somebody was quicker: once more, under a lock, so that nobody is again.
      PERFORM FROM ${table} AS t WHERE t.subject = key FOR UPDATE;
    END LOOP;
    RAISE EXCEPTION 'a row of ${table} can be read but not written; does row-level security hide it?';
  END`;
}
