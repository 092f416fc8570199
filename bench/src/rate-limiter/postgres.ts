// A limiter on a real Postgres, beside the least that a durable count costs there, and beside its peer, through the same pool.

import { createRateLimiter } from "@holdfast/rate-limiter";
import { postgresStore } from "@holdfast/rate-limiter/postgres";
import { startPostgres } from "@holdfast/testing";
import { Pool } from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import type { Row } from "../harness.ts";
import { type AsyncSide, beside, type Rounds, roundsInFlight, roundsOneByOne } from "./in-flight.ts";
import { keysByChance } from "./keys.ts";
import { rowOf } from "./row.ts";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

const KEYS = 1000;
const BARE = "bare upsert";

export async function postgresRows(): Promise<Row[]> {
  await using server = await startPostgres();
  const pool = new Pool({ connectionString: server.url });
  // The pool ends before its last connection has, and the server may be quicker.
  pool.on("error", () => {});
  try {
    const sides = await sidesOf(pool);
    const { rows } = await pool.query<{ server_version: string }>("SHOW server_version");
    const version = `on PostgreSQL ${rows[0]?.server_version.split(" ")[0]}`;
    const together = await roundsInFlight(sides, { inFlight: 64, calls: 800, rounds: 7 });
    const oneByOne = await roundsOneByOne(sides, { calls: 60, rounds: 31 });
    return [...rowsOf(together, "64 in flight", version), ...rowsOf(oneByOne, "one by one", version)];
  } finally {
    await pool.end();
  }
}

async function sidesOf(pool: Pool): Promise<Readonly<Record<string, AsyncSide>>> {
  const key = keysByChance(KEYS);
  const store = postgresStore({ client: pool });
  await store.ensureSchema();
  const limiter = createRateLimiter({ rules: RULE, store });
  return {
    ours: () => limiter.consume(key()),
    [BARE]: await bareUpsert(pool, key),
    "rate-limiter-flexible": await flexible(pool, key),
  };
}

/** Writes a row of the same table's shape, with no question asked of what was there. */
async function bareUpsert(pool: Pool, key: () => string): Promise<AsyncSide> {
  await pool.query("CREATE TABLE bare (LIKE rate_limit INCLUDING ALL) WITH (fillfactor = 70)");
  const text = `
    INSERT INTO bare AS t (subject, at, used, full_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (subject) DO UPDATE SET at = excluded.at, used = excluded.used, full_at = excluded.full_at
    RETURNING at`;
  return () => {
    const now = Date.now();
    return pool.query(text, [Buffer.from(key()), now, [now % 1000], now + 3600]);
  };
}

async function flexible(pool: Pool, key: () => string): Promise<AsyncSide> {
  const limiter = await new Promise<RateLimiterPostgres>((resolve, reject) => {
    const made: RateLimiterPostgres = new RateLimiterPostgres(
      { storeClient: pool, points: BURST, duration: WINDOW_MS / 1000, clearExpiredByTimeout: false },
      (error) => (error ? reject(error) : resolve(made)),
    );
  });
  return () => limiter.consume(key());
}

function rowsOf(rounds: Rounds, how: string, version: string): Row[] {
  const row = (peer: string, atLeast: number, version?: string): Row =>
    rowOf(
      beside(rounds, "ours", [peer]),
      peer,
      { name: `Postgres, ${how}`, unit: "ops/s", better: "higher", goal: { of: "ratio", atLeast } },
      version,
    );
  return [row(BARE, 0.9, version), row("rate-limiter-flexible", 1.1)];
}
