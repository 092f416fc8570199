// The Express face: what it adds to a request, beside the least that it could and beside its peer.

import { join } from "node:path";
import type { Row } from "../harness.ts";
import { poolComparisons } from "./pooled.ts";
import { rowOf } from "./row.ts";

export async function expressRows(): Promise<Row[]> {
  const { added } = await poolComparisons(join(import.meta.dirname, "express-speed.ts"), {
    rounds: 3,
  });
  if (!added) throw new Error("express-speed.ts reports what each middleware adds");
  const row = (peer: string, atMost: number, version?: string): Row =>
    rowOf(
      added,
      peer,
      {
        name: "Express 5, added to a request by middleware",
        unit: "µs",
        better: "lower",
        goal: { of: "ratio", atMost },
      },
      version,
    );
  return [row("two-bare-fields", 1.3, "set by hand"), row("express-rate-limit", 0.5)];
}
