// What the store keeps in Postgres: a table with a row a subject, and the function that decides a call on it.

import { RateLimiterError } from "../errors.ts";

/** Goes up when an older version of this package could no longer work with the table. Stands in the table's comment. */
const LAYOUT = 1;
/** Goes up with every change of the function. Stands in its name, so that instances of two versions work side by side. */
const REVISION = 1;

const COMMENT = "holdfast rate limits, layout";
/** SQLSTATE of what `ensureSchema` refuses. The standard leaves classes that begin with I to Z to implementations. */
export const WRONG_LAYOUT = "RL001";

/** Quoted, and qualified where a schema was given. */
export interface Names {
  readonly table: string;
  readonly consume: string;
  readonly schema: string | undefined;
}

/** @throws RateLimiterError `INVALID_OPTION` */
export function namesOf(table: string, schema: string | undefined): Names {
  const prefix = schema === undefined ? "" : `${quoted("schema", schema)}.`;
  return {
    table: prefix + quoted("table", table),
    consume: `${prefix}"${table}_consume_${REVISION}"`,
    schema: schema === undefined ? undefined : quoted("schema", schema),
  };
}

function quoted(option: string, name: string): string {
  // Postgres cuts names off after 63 bytes, and the function's is longer than the table's.
  if (/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(name)) return `"${name}"`;
  throw new RateLimiterError(
    "INVALID_OPTION",
    `${option} ${JSON.stringify(name)} can't be used; give it up to 50 letters, digits and underscores, no digit first`,
  );
}

/** Milliseconds since 1970, whole. clock_timestamp(), because now() stands still inside a transaction. */
export const NOW_MS = "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint";

/**
 * One statement that makes what is missing, and does nothing where nothing is.
 *
 * The fillfactor leaves room in each page for the next version of a row (HOT), which then needs no new index entry and is cleared
 * away by whoever reads the page. For the same reason no column that changes has an index.
 */
export function ensureSchemaSql({ table, consume, schema }: Names, unlogged: boolean): string {
  return `
DO $ensure$
DECLARE
  mark text;
  version int;
BEGIN
  FOR look IN 1 .. 2 LOOP
    mark := obj_description(to_regclass('${table}'), 'pg_class');
    version := substring(mark FROM '^${COMMENT} ([0-9]{1,9})$')::int;
    -- All there is the usual case. It takes no lock and needs no privilege to create anything.
    IF version = ${LAYOUT} AND to_regprocedure('${consume}(bytea, bigint, bigint[], bigint[], bigint)') IS NOT NULL THEN
      RETURN;
    END IF;
    -- CREATE ... IF NOT EXISTS fails when two do it at once. So one goes first, and the others look again: only what is
    -- seen under the lock is sure not to be somebody else's work half seen.
    PERFORM pg_advisory_xact_lock(hashtext('${COMMENT}'));
  END LOOP;
  IF to_regclass('${table}') IS NOT NULL AND version IS NULL THEN
    RAISE EXCEPTION 'the table ${table} is not one of rate limits; give another name'
      USING ERRCODE = '${WRONG_LAYOUT}';
  ELSIF version > ${LAYOUT} THEN
    RAISE EXCEPTION 'the table ${table} has layout %, made by a later version of this package, which reads ${LAYOUT}; update it', version
      USING ERRCODE = '${WRONG_LAYOUT}';
  END IF;
${schema === undefined ? "" : createSchemaSql(schema)}
  CREATE ${unlogged ? "UNLOGGED " : ""}TABLE IF NOT EXISTS ${table} (
    -- The millisecond for which the buckets are true; 0 where no call has passed yet.
    at bigint NOT NULL,
    -- When the buckets are full and the strikes forgotten.
    full_at bigint NOT NULL,
    blocked_until bigint,
    -- A bucket of its own that refusals take from, and what one of them takes: another penalty counts in other units.
    strikes_at bigint,
    strikes_used bigint,
    strike_units bigint,
    -- SHA-256 of rule set and key.
    subject bytea PRIMARY KEY,
    -- Units missing from each bucket.
    used bigint[] NOT NULL
  ) WITH (fillfactor = 80);
  COMMENT ON TABLE ${table} IS '${COMMENT} ${LAYOUT}';
${consumeSql(table, consume)}
END
$ensure$`;
}

function createSchemaSql(schema: string): string {
  return `
  IF to_regnamespace('${schema}') IS NULL THEN
    CREATE SCHEMA ${schema};
  END IF;
`;
}

/**
 * The engine of token-bucket.ts on one row. A function, because its plans are kept by the session: as one statement of its own it
 * would be parsed and planned at each call, which takes longer than running it, or need a prepared statement, which
 * PgBouncer may not have on the next connection.
 *
 * `rules` has a row of tokenUnits, refillUnits, capacityUnits and enoughMs for each rule, where enoughMs is a time in which any
 * bucket fills up: what is longer counts as that, so that no product exceeds a bigint. `penalty` is one such row and blockMs.
 * The reply is the outcome, the rest of a block, and the units missing from each bucket, separated by commas.
 */
function consumeSql(table: string, consume: string): string {
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
    units bigint;
    fits boolean;
    struck_at bigint;
    blocks boolean;
  BEGIN
    FOR attempt IN 1 .. 20 LOOP
      -- 1. The row as it was last committed. No lock: most refusals need nothing more, and write nothing.
      SELECT t.xmin AS version, t.at, t.used, t.full_at, t.blocked_until,
             t.strikes_at, CASE WHEN t.strike_units = penalty[1] THEN t.strikes_used END AS strikes_used
        INTO kept
        FROM ${table} AS t
       WHERE t.subject = key;
      now_ms := coalesce(given_ms, ${NOW_MS});

      -- 2. What each bucket misses by now, and would with the cost. A bucket's time never moves back. GREATEST and LEAST
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
        new_full_at := greatest(new_full_at, new_at + (units + rules[i][2] - 1) / rules[i][2]);
      END LOOP;

      IF kept.blocked_until > now_ms THEN
        RETURN 'blocked,' || kept.blocked_until - now_ms || ',' || array_to_string(used_now, ',');
      END IF;

      -- 3. Written if nobody has written since step 1: xmin tells the versions of a row apart.
      IF fits THEN
        IF kept.version IS NULL THEN
          INSERT INTO ${table} (subject, at, used, full_at)
          VALUES (key, new_at, new_used, new_full_at)
          ON CONFLICT DO NOTHING;
        ELSE
          UPDATE ${table} AS t
             SET at = new_at, used = new_used, full_at = new_full_at
           WHERE t.subject = key AND t.xmin = kept.version;
        END IF;
        IF FOUND THEN
          RETURN 'passed,0,' || array_to_string(new_used, ',');
        END IF;

      ELSIF penalty IS NULL OR kept.version IS NULL THEN
        RETURN 'refused,0,' || array_to_string(used_now, ',');

      -- 4. The refusal takes a strike. Whoever takes the last one is blocked, and has them all again.
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

      -- 5. Somebody was quicker: once more, under a lock, so that nobody is again.
      PERFORM FROM ${table} AS t WHERE t.subject = key FOR UPDATE;
    END LOOP;
    RAISE EXCEPTION 'a row of ${table} can be read but not written; does row-level security hide it?';
  END
  $consume$;`;
}
