// What the store keeps in Postgres: a table with a row a subject, and the functions that decide a call on it.

import { ensureTableSql } from "@holdfast/core/postgres";
import { CONSUME_BY_ONE_TYPES, CONSUME_TYPES, consumeByOneSql, consumeSql } from "./postgres-functions.ts";
import { AS_OF_TYPES, asOfSql, LEASE_TYPES, leaseSql } from "./postgres-leases.ts";
import type { Names } from "./postgres-names.ts";

/** Goes up when an older version of this package could no longer work with the table: 1 knew of no leases, and would refill what is lent. */
const LAYOUT = 2;

/**
 * One statement that makes what is missing, the columns of later layouts included, and does nothing where nothing is.
 *
 * The fillfactor leaves room in each page for the next version of a row (HOT), which then needs no new index entry and is cleared
 * away by whoever reads the page. For the same reason no column that changes has an index.
 */
export function ensureSchemaSql(
  names: Names,
  { unlogged, ...given }: { readonly table: string; readonly schema: string | undefined; readonly unlogged: boolean },
): string {
  const { table, consume, consumeByOne, asOf, lease } = names;
  const functions = [
    `${consume}(${CONSUME_TYPES})`,
    `${consumeByOne}(${CONSUME_BY_ONE_TYPES})`,
    `${asOf}(${AS_OF_TYPES})`,
    `${lease}(${LEASE_TYPES})`,
  ];
  return ensureTableSql({
    ...given,
    mark: "holdfast rate limits, layout",
    layout: LAYOUT,
    isComplete: functions.map((signature) => `to_regprocedure('${signature}') IS NOT NULL`).join(" AND "),
    create: `
  CREATE ${unlogged ? "UNLOGGED " : ""}TABLE IF NOT EXISTS ${table} (
    -- The millisecond for which the buckets are true; 0 where no call has passed yet.
    at bigint NOT NULL,
    -- When the buckets are full, nothing is lent and the strikes are forgotten.
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
  -- Layout 2: what is lent, as [{"id", "tokens", "ends"}], or NULL where nothing is.
  ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS leases jsonb;
${consumeSql(names)}
${consumeByOneSql(names)}
${asOfSql(names)}
${leaseSql(names)}`,
  });
}
