// What the ids weigh that a run remembers to know duplicates by, measured by scripts in processes of their own.

import { join } from "node:path";
import { freshProcesses, type Row } from "../harness.ts";
import { rowOf } from "../rate-limiter/row.ts";

const SET = "a Set";

export async function windowRows(): Promise<Row[]> {
  const script = (name: string): string => join(import.meta.dirname, `window-${name}.ts`);
  const { bytes } = await freshProcesses(
    { ours: script("holdfast"), peers: { [SET]: script("set") } },
    { rounds: 3, nodeArguments: ["--expose-gc"] },
  );
  if (!bytes) throw new Error("a script reports bytes");
  const name = "ingest, a million ids for duplicates";
  return [
    rowOf(
      bytes,
      SET,
      { name, unit: "bytes/id", better: "lower", goal: { of: "ratio", atMost: 1 / 3 } },
      "of the same strings",
    ),
  ];
}
