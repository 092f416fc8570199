// What the Redis store keeps of a subject, read as its scripts pack it.

import type { Redis } from "ioredis";

export interface KeptState {
  readonly keptUntil: number;
  readonly at: number;
  /** Units missing from each bucket. */
  readonly used: readonly number[];
  readonly blockedUntil: number;
  /** Of the penalty whose rule has the name. */
  strikes(name: string): { readonly used: number; readonly at: number };
}

export async function keptState(redis: Redis, key: string): Promise<KeptState> {
  const fields = await redis.hgetallBuffer(key);
  const [keptUntil = 0, at = -1, ...used] = doublesOf(fields["s"]!.subarray(1));
  return {
    keptUntil,
    at,
    used,
    blockedUntil: Number(fields["b"] ?? 0),
    strikes(name) {
      const packed = fields[`p${name}`];
      const [struck = 0, struckAt = 0] = packed ? doublesOf(packed) : [];
      return { used: struck, at: struckAt };
    },
  };
}

function doublesOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(8 * index));
}
