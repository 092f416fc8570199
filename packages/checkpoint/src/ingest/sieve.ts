// What becomes of the records of a page: each is checked, and is a row, a dead letter, a duplicate, or not wanted.

import type { SchemaIssue, StandardSchemaV1 } from "@holdfast/core";
import type { DeadLetter } from "./contract.ts";
import type { IdWindow } from "./id-window.ts";

export interface SieveOptions<Row> {
  readonly key: string;
  readonly schema: StandardSchemaV1<unknown, Row>;
  readonly keep: ((row: Row) => boolean) | undefined;
  readonly id: ((row: Row) => string) | undefined;
  readonly window: IdWindow;
  readonly timeOf: ((row: Row) => Date | number) | undefined;
  readonly now: () => number;
}

export interface Sifted<Row> {
  readonly rows: Row[];
  readonly letters: DeadLetter[];
  duplicate: number;
  skipped: number;
  /** The time of the newest row; -Infinity where there is none. */
  newest: number;
}

export function nothingSifted<Row>(): Sifted<Row> {
  return { rows: [], letters: [], duplicate: 0, skipped: 0, newest: Number.NEGATIVE_INFINITY };
}

export async function sift<Row>(records: readonly unknown[], options: SieveOptions<Row>): Promise<Sifted<Row>> {
  const { key, schema, keep, id, window, timeOf, now } = options;
  const sifted = nothingSifted<Row>();
  for (const record of records) {
    const checked = schema["~standard"].validate(record);
    // To await each result would cost more than most schemas do.
    const result = checked instanceof Promise ? await checked : checked;
    if (result.issues !== undefined) {
      sifted.letters.push({ key, reason: reasonOf(result.issues), record, at: now() });
      continue;
    }
    const row = result.value;
    if (keep?.(row) === false) sifted.skipped++;
    else if (id !== undefined && !window.add(id(row))) sifted.duplicate++;
    else {
      sifted.rows.push(row);
      if (timeOf !== undefined) sifted.newest = Math.max(sifted.newest, Number(timeOf(row)));
    }
  }
  return sifted;
}

const MOST_ISSUES = 5;

function reasonOf(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, MOST_ISSUES).map(({ message, path = [] }) => {
    const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return where === "" ? message : `${where}: ${message}`;
  });
  return shown.join("; ");
}
