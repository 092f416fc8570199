// A limiter that spends leased tokens by itself, beside one that asks its store for each.

import { createRateLimiter, type LeasingStore, withLeases } from "@holdfast/rate-limiter";
import type { Row } from "../harness.ts";
import { beside, roundsInFlight } from "./in-flight.ts";
import { keysByChance } from "./keys.ts";
import { rowOf } from "./row.ts";
import { RULE } from "./rule.ts";

// As many as a key of this speed spends in about 5 ms.
const LEASED = 10_000;

export interface LeaseRowsOptions {
  readonly on: "Redis" | "Postgres";
  readonly version: string;
  /** Calls of a round, for what takes longer: with 64 in flight, and one by one. */
  readonly calls: readonly [together: number, alone: number];
}

export async function leaseRows(store: LeasingStore, { on, version, calls }: LeaseRowsOptions): Promise<Row[]> {
  const [leased, direct] = [withLeases(store, { tokens: LEASED }), store].map((one) =>
    createRateLimiter({ rules: RULE, store: one }),
  );
  if (!leased || !direct) throw new Error("two limiters were made");
  const key = keysByChance(1);
  const sides = { ours: () => leased.consume(key()), "without leases": () => direct.consume(key()) };
  const rows: Row[] = [];
  for (const [inFlight, many] of [
    [64, calls[0]],
    [1, calls[1]],
  ] as const) {
    const rounds = await roundsInFlight(sides, { inFlight, calls: many, rounds: 7 });
    const name = `${on} with leases of ${LEASED} tokens, one hot key, ${inFlight} in flight`;
    const row = { name, unit: "ops/s", better: "higher", goal: { of: "ratio", atLeast: 20 } } as const;
    rows.push(rowOf(beside(rounds, "ours", ["without leases"]), "without leases", row, version));
  }
  return rows;
}
