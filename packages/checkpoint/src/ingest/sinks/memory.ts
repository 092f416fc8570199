// Rows in an array, for tests and small things.

import type { Sink } from "../contract.ts";

export interface MemorySink<Row> extends Sink<Row> {
  readonly rows: readonly Row[];
}

/** Begins empty with its process, as the sources of a test do; so it is not refused to any, though it does append. */
export function memorySink<Row>(): MemorySink<Row> {
  const rows: Row[] = [];
  return {
    rows,
    async write(batch) {
      for (const row of batch) rows.push(row);
    },
  };
}
