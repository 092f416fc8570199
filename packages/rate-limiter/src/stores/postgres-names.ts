// What table and functions are called, quoted once for every statement.

import { RateLimiterError } from "../errors.ts";

/** Goes up with every change of the functions. Stands in their names, so that instances of two versions work side by side. */
const REVISION = 1;

/** Quoted, and qualified where a schema was given. */
export interface Names {
  readonly table: string;
  readonly consume: string;
  readonly consumeByOne: string;
  readonly schema: string | undefined;
}

/** @throws RateLimiterError `INVALID_OPTION` */
export function namesOf(table: string, schema: string | undefined): Names {
  const prefix = schema === undefined ? "" : `${quoted("schema", schema)}.`;
  return {
    table: prefix + quoted("table", table),
    consume: `${prefix}"${table}_consume_${REVISION}"`,
    consumeByOne: `${prefix}"${table}_one_rule_${REVISION}"`,
    schema: schema === undefined ? undefined : quoted("schema", schema),
  };
}

function quoted(option: string, name: string): string {
  // Postgres cuts names off after 63 bytes, and the functions' are longer than the table's.
  if (/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(name)) return `"${name}"`;
  throw new RateLimiterError(
    "INVALID_OPTION",
    `${option} ${JSON.stringify(name)} can't be used; give it up to 50 letters, digits and underscores, no digit first`,
  );
}
