// What the stores in Postgres share: the client's shape, names, and tables that any number of instances make at once.

import { HoldfastError } from "@holdfast/core";

/** What names and tables throw. */
export type PostgresErrorCode = "INVALID_NAME";

/** What stores need of `Pool` or `Client` of pg, or of anything that answers alike. No statement is named, so PgBouncer may stand between. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** SQLSTATE of what `ensureTableSql` refuses. The standard leaves classes that begin with I to Z to implementations. */
export const WRONG_LAYOUT = "RL001";

/**
 * A name as an identifier of SQL.
 * @throws HoldfastError `INVALID_NAME`: not 1 to 50 letters, digits and underscores without a digit first. Postgres cuts names off after
 * 63 bytes, and names made from this one are longer.
 */
export function quotedName(option: string, name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(name)) return `"${name}"`;
  throw new HoldfastError<PostgresErrorCode>(
    "INVALID_NAME",
    `${option} ${JSON.stringify(String(name).slice(0, 64))} can't be used; give it up to 50 letters, digits and underscores, no digit first`,
  );
}

/** `"table"`, or `"schema"."table"` where a schema is given. @throws HoldfastError `INVALID_NAME` */
export function qualifiedName(table: string, schema: string | undefined): string {
  const quoted = quotedName("table", table);
  return schema === undefined ? quoted : `${quotedName("schema", schema)}.${quoted}`;
}

export interface TableLayout {
  /** As given by the user: `quotedName` has passed them. */
  readonly table: string;
  readonly schema?: string | undefined;
  /** Stands in the table's comment: `"holdfast rate limits, layout"`. */
  readonly mark: string;
  /** Goes up when an older version of the package could no longer work with the table. */
  readonly layout: number;
  /** Statements that make what is missing, each ended by a semicolon; they may run where all is there. */
  readonly create: string;
  /** A condition of SQL that is true only where all that `create` makes is there, beside the table itself. */
  readonly isComplete?: string | undefined;
}

/**
 * One statement that makes what is missing, and does nothing where nothing is: then it takes no lock and needs no privilege to
 * create. Fails with `WRONG_LAYOUT` where the table is another's, or of a later layout.
 */
export function ensureTableSql({ table, schema, mark, layout, create, isComplete = "true" }: TableLayout): string {
  const name = qualifiedName(table, schema);
  return `
DO $ensure$
DECLARE
  mark text;
  version int;
BEGIN
  FOR look IN 1 .. 2 LOOP
    mark := obj_description(to_regclass('${name}'), 'pg_class');
    version := substring(mark FROM '^${mark} ([0-9]{1,9})$')::int;
    IF version = ${layout} AND ${isComplete} THEN
      RETURN;
    END IF;
    -- CREATE ... IF NOT EXISTS fails when two do it at once. So one goes first, and the others look again: only what is
    -- seen under the lock is sure not to be somebody else's work half seen.
    PERFORM pg_advisory_xact_lock(hashtext('${mark}'));
  END LOOP;
  IF to_regclass('${name}') IS NOT NULL AND version IS NULL THEN
    RAISE EXCEPTION 'the table ${name} is another''s, without the comment "${mark}"; give another name'
      USING ERRCODE = '${WRONG_LAYOUT}';
  ELSIF version > ${layout} THEN
    RAISE EXCEPTION 'the table ${name} has layout %, made by a later version of this package, which reads ${layout}; update it', version
      USING ERRCODE = '${WRONG_LAYOUT}';
  END IF;
${schema === undefined ? "" : createSchemaSql(quotedName("schema", schema))}
  ${create}
  COMMENT ON TABLE ${name} IS '${mark} ${layout}';
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

// https://www.postgresql.org/docs/current/errcodes-appendix.html: no such table, function, column, schema; no unique key
// for ON CONFLICT; columns of another type.
const MISSING = new Set(["42P01", "42883", "42703", "3F000", "42P10", "42804"]);

/** What is wrong with the tables, in a sentence that says what to do; undefined where the error is about something else. */
export function schemaProblem(error: unknown, table: string): string | undefined {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (code === WRONG_LAYOUT) return `${message}`;
  if (typeof code !== "string" || !MISSING.has(code)) return undefined;
  return `the table ${table} or what belongs to it is missing, or of another version (${message}); call ensureSchema()`;
}
