// What table and functions are called, quoted once for every statement.

import { qualifiedName, quotedName } from "@holdfast/core/postgres";
import { RateLimiterError } from "../errors.ts";

/** Goes up with every change of the functions. Stands in their names, so that instances of two versions work side by side. */
const REVISION = 2;

/** Quoted, and qualified where a schema was given. */
export interface Names {
  readonly table: string;
  readonly consume: string;
  readonly consumeByOne: string;
  readonly asOf: string;
  readonly lease: string;
}

/** @throws RateLimiterError `INVALID_OPTION` */
export function namesOf(table: string, schema: string | undefined): Names {
  try {
    const prefix = schema === undefined ? "" : `${quotedName("schema", schema)}.`;
    const functionName = (what: string): string => `${prefix}"${table}_${what}_${REVISION}"`;
    return {
      table: qualifiedName(table, schema),
      consume: functionName("consume"),
      consumeByOne: functionName("one_rule"),
      asOf: functionName("as_of"),
      lease: functionName("lease"),
    };
  } catch (cause) {
    throw new RateLimiterError("INVALID_OPTION", (cause as Error).message, { cause });
  }
}
