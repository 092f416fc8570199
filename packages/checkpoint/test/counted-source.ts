// A stream whose records are its places from 0 on; the cursor is how many came before.

import type { StandardSchemaV1 } from "@holdfast/core";
import type { Source } from "../src/ingest.ts";

export interface Place {
  readonly stream: string;
  readonly place: number;
  readonly body: string;
}

export interface CountedStream {
  readonly stream: string;
  readonly total: number;
  /** Of a page. */
  readonly size: number;
}

/** `onPage` is called when a page is asked for, and when it is there. */
export function countedSource(
  { stream, total, size }: CountedStream,
  onPage: (what: "asked for" | "fetched", from: number) => void = () => {},
): Source<number> {
  return {
    async *pages(cursor = 0) {
      for (let from = cursor; from < total; from += size) {
        onPage("asked for", from);
        const until = Math.min(from + size, total);
        const records = Array.from({ length: until - from }, (_, index) => placeAt(stream, from + index));
        onPage("fetched", from);
        yield { records, cursor: until };
      }
    },
  };
}

function placeAt(stream: string, place: number): Place {
  return { stream, place, body: `${place} of ${stream}` };
}

/** Takes everything: what is tested with it is not the schema, and a library would take its time to load. */
export const placeSchema: StandardSchemaV1<unknown, Place> = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as Place }) },
};
