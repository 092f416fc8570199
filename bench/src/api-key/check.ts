// What a check costs in memory.

import { randomBytes } from "node:crypto";
import { createRateLimiter } from "@holdfast/rate-limiter";
import { type Comparison, compare, type Row, type Side } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { rowOf } from "../rate-limiter/row.ts";
import { holdfastChecks, peerCheck } from "./keys.ts";

const PEER = "prefixed-api-key";
const GOOD = "a good key";
const ALONE = "without a limiter";
const OWN = "the same check";
const ITERATIONS = 100_000;

export async function checkRows(): Promise<Row[]> {
  const plain = await holdfastChecks();
  const peppered = await holdfastChecks({ peppers: [{ id: "bench", key: randomBytes(32) }] });
  const limited = await holdfastChecks({ failures: createRateLimiter({ rules: "20/minute" }) });
  const peer = await peerCheck();
  const row = { unit: "ops/s", better: "higher" } as const;
  const atLeast = (ratio: number) => ({ of: "ratio", atLeast: ratio }) as const;
  const check = "a check in memory: checksum, look-up, SHA-256, expiry, scope";
  return [
    rowOf(await measure(plain.good, PEER, peer), PEER, { ...row, name: check, goal: atLeast(1) }),
    rowOf(await measure(peppered.good, PEER, peer), PEER, {
      ...row,
      name: "the same under a pepper, with HMAC-SHA-256",
    }),
    rowOf(
      await measure(plain.refused, GOOD, plain.good),
      GOOD,
      { ...row, name: "a refused key: its checksum is wrong", goal: atLeast(4) },
      OWN,
    ),
    rowOf(
      await measure(limited.good, ALONE, plain.good),
      ALONE,
      { ...row, name: "a check with a limiter of failures" },
      OWN,
    ),
  ];
}

function measure(ours: Side, name: string, peer: Side): Promise<Comparison> {
  return compare({ ours, peers: { [name]: peer } }, { rounds: 9, iterations: ITERATIONS, now: processorMs });
}
