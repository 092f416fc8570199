// A limiter on a real Postgres, beside the least that a durable count costs there, and beside its peer, through the same pool.

import { createRateLimiter } from "@holdfast/rate-limiter";
import { postgresStore } from "@holdfast/rate-limiter/postgres";
import { startPostgres } from "@holdfast/testing";
import { Pool } from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import { comparedRows, type Row } from "../harness.ts";
import { type AsyncSide, beside, type InFlightOptions, roundsInFlight } from "./in-flight.ts";
import { keysByChance } from "./keys.ts";
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
    return [
      ...(await rowsInFlight(sides, { inFlight: 64, calls: 800, rounds: 7 })),
      ...(await rowsInFlight(sides, { inFlight: 1, calls: 60, rounds: 31 })),
    ];
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

async function rowsInFlight(sides: Readonly<Record<string, AsyncSide>>, options: InFlightOptions): Promise<Row[]> {
  const rounds = await roundsInFlight(sides, options);
  const goals = { [BARE]: 0.9, "rate-limiter-flexible": 1.1 };
  return Object.entries(goals).flatMap(([peer, atLeast]) =>
    comparedRows(beside(rounds, "ours", [peer]), {
      name: `Postgres, ${options.inFlight} in flight`,
      unit: "ops/s",
      better: "higher",
      goal: { of: "ratio", atLeast },
    }),
  );
}
