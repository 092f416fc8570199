// What the store keeps in Postgres: a table with a row a subject, and the functions that decide a call on it.

import { CONSUME_BY_ONE_TYPES, CONSUME_TYPES, consumeByOneSql, consumeSql } from "./postgres-functions.ts";
import type { Names } from "./postgres-names.ts";

/** Goes up when an older version of this package could no longer work with the table. Stands in the table's comment. */
const LAYOUT = 1;
const COMMENT = "holdfast rate limits, layout";
/** SQLSTATE of what `ensureSchema` refuses. The standard leaves classes that begin with I to Z to implementations. */
export const WRONG_LAYOUT = "RL001";

/**
 * One statement that makes what is missing, and does nothing where nothing is.
 *
 * The fillfactor leaves room in each page for the next version of a row (HOT), which then needs no new index entry and is cleared
 * away by whoever reads the page. For the same reason no column that changes has an index.
 */
export function ensureSchemaSql(names: Names, unlogged: boolean): string {
  const { table, consume, consumeByOne, schema } = names;
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
    IF version = ${LAYOUT}
       AND to_regprocedure('${consume}(${CONSUME_TYPES})') IS NOT NULL
       AND to_regprocedure('${consumeByOne}(${CONSUME_BY_ONE_TYPES})') IS NOT NULL
    THEN
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
${consumeSql(names)}
${consumeByOneSql(names)}
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
