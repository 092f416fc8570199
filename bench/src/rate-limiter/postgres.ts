// A limiter on a real Postgres, beside the least that a durable count costs there, and beside its peer, through the same pool.

import { createRateLimiter } from "@holdfast/rate-limiter";
import { postgresStore } from "@holdfast/rate-limiter/postgres";
import { startPostgres } from "@holdfast/testing";
import { Pool } from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import type { Row } from "../harness.ts";
import { type AsyncSide, beside, type Rounds, roundsInFlight, roundsOneByOne } from "./in-flight.ts";
import { keysByChance } from "./keys.ts";
import { leaseRows } from "./leases.ts";
import { rowOf } from "./row.ts";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

const KEYS = 1000;
const BARE = "bare upsert";
const PREPARED_BARE = "bare upsert, prepared";

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
    const oneByOne = await roundsOneByOne(sides, { calls: 40, rounds: 61 });
    return [
      ...rowsOf(together, "64 in flight", version),
      ...rowsOf(oneByOne, "one by one", version),
      ...preparedRows(oneByOne, "one by one", version),
      ...(await leaseRows(postgresStore({ client: pool }), { on: "Postgres", version, calls: [10_000, 400] })),
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
  const preparing = createRateLimiter({ rules: RULE, store: postgresStore({ client: pool, prepared: true }) });
  await pool.query("CREATE TABLE bare (LIKE rate_limit INCLUDING ALL) WITH (fillfactor = 70)");
  return {
    ours: () => limiter.consume(key()),
    "ours, prepared": () => preparing.consume(key()),
    [BARE]: () => pool.query({ text: UPSERT, values: upserted(key()) }),
    [PREPARED_BARE]: () => pool.query({ name: "bare", text: UPSERT, values: upserted(key()) }),
    "rate-limiter-flexible": await flexible(pool, key),
  };
}

/** Writes a row of the same table's shape, with no question asked of what was there. */
const UPSERT = `
  INSERT INTO bare AS t (subject, at, used, full_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (subject) DO UPDATE SET at = excluded.at, used = excluded.used, full_at = excluded.full_at
  RETURNING at`;

function upserted(key: string): unknown[] {
  const now = Date.now();
  return [Buffer.from(key), now, [now % 1000], now + 3600];
}

/** Names its statements, so that each connection parses and plans them once. */
async function flexible(pool: Pool, key: () => string): Promise<AsyncSide> {
  const limiter = await new Promise<RateLimiterPostgres>((resolve, reject) => {
    const made: RateLimiterPostgres = new RateLimiterPostgres(
      { storeClient: pool, points: BURST, duration: WINDOW_MS / 1000, clearExpiredByTimeout: false },
      (error) => (error ? reject(error) : resolve(made)),
    );
  });
  return () => limiter.consume(key());
}

/** No statement of ours is named, nor the bare one; those of the peer are. */
function rowsOf(rounds: Rounds, how: string, version: string): Row[] {
  return [
    row(rounds, "ours", BARE, `Postgres, ${how}`, 0.9, version),
    row(rounds, "ours", "rate-limiter-flexible", `Postgres, ${how}`, 1.1),
  ];
}

function preparedRows(rounds: Rounds, how: string, version: string): Row[] {
  return [
    row(rounds, "ours, prepared", PREPARED_BARE, `Postgres, prepared, ${how}`, undefined, version),
    row(rounds, "ours, prepared", "rate-limiter-flexible", `Postgres, prepared, ${how}`, 1.1),
  ];
}

function row(rounds: Rounds, ours: string, peer: string, name: string, atLeast?: number, version?: string): Row {
  const goal = atLeast === undefined ? undefined : ({ of: "ratio", atLeast } as const);
  return rowOf(beside(rounds, ours, [peer]), peer, { name, unit: "ops/s", better: "higher", goal }, version);
}
