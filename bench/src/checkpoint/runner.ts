// The runner, measured by a script in processes of its own.

import { join } from "node:path";
import type { Row } from "../harness.ts";
import { poolComparisons } from "../rate-limiter/pooled.ts";
import { rowOf } from "../rate-limiter/row.ts";

export async function runnerRows(): Promise<Row[]> {
  const script = join(import.meta.dirname, "runner-speed.ts");
  const { loop, flood } = await poolComparisons(script, { rounds: 3, nodeArguments: ["--expose-gc"] });
  if (!loop || !flood) throw new Error("the script reports both");
  const row = (name: string, atLeast: number) =>
    ({ name, unit: "runs/s", better: "higher", goal: { of: "ratio", atLeast } }) as const;
  return [
    rowOf(
      loop,
      "bare-loop",
      row("ingest, 10,000 records, processor time", 0.8),
      "of JSON.parse, zod, a Set and an array",
    ),
    rowOf(flood, "good-records", row("ingest, 10,000 bad records, processor time", 0.5), "as many"),
  ];
}
