// The tables, and the statements that the store sends: parameters only, unnamed, so that any pooler between may change the connection.

import { ensureTableSql, qualifiedName, quotedName } from "@holdfast/core/postgres";
import { EmbedTokenError } from "../errors.ts";

interface Statements {
  /** Make what is missing. */
  readonly ensure: readonly string[];
  /** name, keepMs; a row where it is marked by this call */
  readonly mark: string;
  /** name, issuedUpTo, keepMs */
  readonly revoke: string;
  /** names */
  readonly revocations: string;
  /** how many rows; one is returned for each that is deleted */
  readonly cleanUp: readonly string[];
}

/** Goes up when an older version of the package could no longer work with the tables. */
const LAYOUT = 1;

// Milliseconds since the epoch in double precision, which has an infinity: for good.
const NOW_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::double precision";

/** @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_NAME` of the schema */
export function statementsFor(table: string, schema: string | undefined): Statements {
  // What is made from it has up to 22 characters more, and names have at most 50.
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,27}$/.test(table)) {
    throw new EmbedTokenError(
      "INVALID_OPTION",
      `table ${JSON.stringify(String(table).slice(0, 64))} can't be used; give it up to 28 letters, digits and underscores, no digit first`,
    );
  }
  const tables = { marks: `${table}_mark`, revocations: `${table}_revocation` };
  const marks = qualifiedName(tables.marks, schema);
  const revocations = qualifiedName(tables.revocations, schema);

  const ensure = (name: string, columns: string): string => {
    const index = `${name}_keep_until`;
    return ensureTableSql({
      table: name,
      schema,
      mark: "holdfast embed tokens, layout",
      layout: LAYOUT,
      isComplete: `to_regclass('${qualifiedName(index, schema)}') IS NOT NULL`,
      create: `
  CREATE TABLE IF NOT EXISTS ${qualifiedName(name, schema)} (
    -- Compared byte by byte, whatever the database's collation.
    name text COLLATE "C" PRIMARY KEY,
    ${columns}
    keep_until double precision NOT NULL
  );
  -- For cleaning up.
  CREATE INDEX IF NOT EXISTS ${quotedName("index", index)} ON ${qualifiedName(name, schema)} (keep_until);`,
    });
  };

  const cleanUp = (name: string): string => `
DELETE FROM ${name}
 WHERE name IN (
   SELECT t.name
     FROM ${name} AS t
    WHERE t.keep_until <= ${NOW_MS}
    ORDER BY t.keep_until
    LIMIT $1
      FOR UPDATE SKIP LOCKED
 )
RETURNING 1`;

  return {
    ensure: [
      ensure(tables.marks, ""),
      ensure(
        tables.revocations,
        `-- Milliseconds since the epoch.
    issued_up_to double precision NOT NULL,`,
      ),
    ],

    // Whoever comes second waits for the first to commit. A mark that need not be kept any more is as good as none.
    mark: `
INSERT INTO ${marks} AS kept (name, keep_until)
VALUES ($1, ${NOW_MS} + $2::double precision)
ON CONFLICT (name) DO UPDATE SET keep_until = excluded.keep_until
 WHERE kept.keep_until <= ${NOW_MS}
RETURNING 1`,

    revoke: `
INSERT INTO ${revocations} AS kept (name, issued_up_to, keep_until)
VALUES ($1, $2, ${NOW_MS} + $3::double precision)
ON CONFLICT (name) DO UPDATE SET
  issued_up_to = greatest(kept.issued_up_to, excluded.issued_up_to),
  keep_until = greatest(kept.keep_until, excluded.keep_until)`,

    revocations: `SELECT name, issued_up_to FROM ${revocations} WHERE name = ANY ($1)`,

    cleanUp: [cleanUp(marks), cleanUp(revocations)],
  };
}
