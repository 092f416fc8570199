// The functions that lend: what is lent stays out of the buckets, spent or not, until it is given back or its time is over.

import { NOW_MS, onceMoreUnderALock } from "./postgres-functions.ts";
import type { Names } from "./postgres-names.ts";

export const AS_OF_TYPES = "bigint, bigint[], jsonb, bigint[], bigint";
export const LEASE_TYPES = "bytea, bigint[], text, bigint";

/**
 * A row's buckets and leases as they are by `now_ms`. Leases whose time is over have ended, one after the other, and from one end to
 * the next each bucket has refilled up to what was still lent. `rules` are as in `consumeSql`.
 */
export function asOfSql({ asOf }: Names): string {
  return `
  CREATE OR REPLACE FUNCTION ${asOf}(
    INOUT at bigint, INOUT used bigint[], INOUT leases jsonb, rules bigint[], now_ms bigint, OUT lent bigint, OUT lent_until bigint
  )
  LANGUAGE plpgsql
  IMMUTABLE
  AS $as_of$
  DECLARE
    ended record;
    elapsed_ms bigint;
  BEGIN
    lent := coalesce((SELECT sum(lease.tokens) FROM jsonb_to_recordset(leases) AS lease (tokens bigint)), 0);
    FOR ended IN
      SELECT lease.ends, lease.tokens
        FROM jsonb_to_recordset(leases) AS lease (ends bigint, tokens bigint)
       WHERE lease.ends <= now_ms
      UNION ALL
      -- The last step is up to now. Time that stepped back refills nothing.
      SELECT greatest(at, now_ms), 0
       ORDER BY ends
    LOOP
      elapsed_ms := greatest(0, ended.ends - at);
      FOR i IN 1 .. array_length(rules, 1) LOOP
        used[i] := greatest(least(used[i], lent * rules[i][1]), used[i] - least(elapsed_ms, rules[i][4]) * rules[i][2]);
      END LOOP;
      at := greatest(at, ended.ends);
      lent := lent - ended.tokens;
    END LOOP;
    SELECT jsonb_agg(lease), max((lease->>'ends')::bigint)
      INTO leases, lent_until
      FROM jsonb_array_elements(leases) AS lease
     WHERE (lease->>'ends')::bigint > now_ms;
  END
  $as_of$;`;
}

/**
 * Takes back a lease, then lends as many tokens as are asked for, or as every bucket has, if those are enough. `request` is what
 * `leaseText` says. The reply is how many are lent, and what `consumeSql` replies.
 */
export function leaseSql({ table, asOf, lease }: Names): string {
  return `
  CREATE OR REPLACE FUNCTION ${lease}(key bytea, rules bigint[], request text, given_ms bigint)
  RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off
  AS $lease$
  DECLARE
    asked text[] := string_to_array(request, ' ');
    new_id text := asked[1];
    wanted bigint := asked[2];
    least_tokens bigint := asked[3];
    ttl_ms bigint := asked[4];
    returned_id text := asked[5];
    unspent bigint := asked[6];
    kept record;
    now_ms bigint;
    new_at bigint;
    new_used bigint[];
    new_full_at bigint;
    new_leases jsonb;
    back bigint;
    granted bigint;
    is_changed boolean;
    outcome text;
  BEGIN
    FOR attempt IN 1 .. 20 LOOP
      -- 1. The row as it was last committed, without a lock, and as of now. Where there is none, all comes out as for full buckets.
      SELECT t.xmin AS version, t.at, t.used, t.full_at, t.blocked_until, t.leases
        INTO kept
        FROM ${table} AS t
       WHERE t.subject = key;
      now_ms := coalesce(given_ms, ${NOW_MS});
      SELECT s.at, s.used, s.leases
        INTO new_at, new_used, new_leases
        FROM ${asOf}(kept.at, kept.used, kept.leases, rules, now_ms) AS s;

      -- 2. What is given back, unless its time is over or it is not known.
      SELECT least(unspent, lease.tokens)
        INTO back
        FROM jsonb_to_recordset(new_leases) AS lease (id text, tokens bigint)
       WHERE lease.id = returned_id;
      is_changed := FOUND;
      IF is_changed THEN
        FOR i IN 1 .. array_length(rules, 1) LOOP
          new_used[i] := greatest(0, new_used[i] - back * rules[i][1]);
        END LOOP;
        new_leases := (
          SELECT jsonb_agg(lease) FROM jsonb_array_elements(new_leases) AS lease WHERE lease->>'id' <> returned_id
        );
      END IF;

      -- 3. What is lent: as many tokens as every bucket has left.
      granted := wanted;
      FOR i IN 1 .. array_length(rules, 1) LOOP
        granted := least(granted, greatest(0, rules[i][3] - new_used[i]) / rules[i][1]);
      END LOOP;
      IF kept.blocked_until > now_ms THEN
        outcome := 'blocked,' || kept.blocked_until - now_ms;
        granted := 0;
      ELSIF granted < least_tokens THEN
        outcome := 'refused,0';
        granted := 0;
      ELSE
        outcome := 'passed,0';
      END IF;
      IF granted > 0 THEN
        is_changed := true;
        FOR i IN 1 .. array_length(rules, 1) LOOP
          new_used[i] := new_used[i] + granted * rules[i][1];
        END LOOP;
        new_leases := coalesce(new_leases, '[]')
          || jsonb_build_object('id', new_id, 'tokens', granted, 'ends', now_ms + ttl_ms);
      END IF;

      -- 4. Written if nobody has written since step 1, as in consume. The buckets are full when the last lease is over and they have
      --    refilled since.
      IF is_changed THEN
        new_full_at := greatest(new_at, (SELECT max(lease.ends) FROM jsonb_to_recordset(new_leases) AS lease (ends bigint)));
        new_full_at := greatest(kept.full_at, new_full_at + (
          SELECT max((new_used[i] + rules[i][2] - 1) / rules[i][2]) FROM generate_subscripts(new_used, 1) AS i
        ));
        IF kept.version IS NULL THEN
          INSERT INTO ${table} (subject, at, used, full_at, leases)
          VALUES (key, new_at, new_used, new_full_at, new_leases)
          ON CONFLICT DO NOTHING;
        ELSE
          UPDATE ${table} AS t
             SET at = new_at, used = new_used, full_at = new_full_at, leases = new_leases
           WHERE t.subject = key AND t.xmin = kept.version;
        END IF;
      END IF;
      IF NOT is_changed OR FOUND THEN
        RETURN granted || ',' || outcome || ',' || array_to_string(new_used, ',');
      END IF;

${onceMoreUnderALock(table)}
  $lease$;`;
}
