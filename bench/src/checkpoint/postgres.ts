// Saves into a real Postgres, beside the bare statement that keeps the same, through the same pool; and how often each goes there.

import { createCheckpoints } from "@holdfast/checkpoint";
import { postgresStore } from "@holdfast/checkpoint/postgres";
import { startPostgres } from "@holdfast/testing";
import { Pool } from "pg";
import { type Row, summarise } from "../harness.ts";
import { type AsyncSide, beside, type Rounds, roundsInFlight, roundsOneByOne } from "../rate-limiter/in-flight.ts";
import { rowOf } from "../rate-limiter/row.ts";
import { streamsRow } from "./streams.ts";
import { nextCursor } from "./value.ts";

const STREAMS = 1000;
const BARE = "the bare statement";

export async function postgresRows(): Promise<Row[]> {
  await using server = await startPostgres();
  const pool = new Pool({ connectionString: server.url });
  // The pool ends before its last connection has, and the server may be quicker.
  pool.on("error", () => {});
  try {
    const { rows } = await pool.query<{ server_version: string }>("SHOW server_version");
    const version = `on PostgreSQL ${rows[0]?.server_version.split(" ")[0]}`;
    const sides = await sidesOf(pool);
    return [
      await roundTripsRow(pool),
      row(await roundsOneByOne(sides, { calls: 40, rounds: 61 }), "one by one", version),
      row(await roundsInFlight(sides, { inFlight: 64, calls: 800, rounds: 15 }), "64 in flight", version),
      await streamsRow("Postgres", createCheckpoints({ store: postgresStore({ client: pool }) })),
    ];
  } finally {
    await pool.end();
  }
}

async function sidesOf(pool: Pool): Promise<Readonly<Record<string, AsyncSide>>> {
  const store = postgresStore({ client: pool });
  await store.ensureSchema();
  const checkpoints = createCheckpoints({ store });
  await pool.query("CREATE TABLE bare (LIKE checkpoint INCLUDING ALL) WITH (fillfactor = 80)");
  let count = 0;
  // One after the other, so that of those in flight no two wait for one row.
  const key = (): string => `stream:${count++ % STREAMS}`;
  const sides: Readonly<Record<string, AsyncSide>> = {
    ours: () => checkpoints.save(key(), nextCursor()),
    [BARE]: () => pool.query(UPSERT, [Buffer.from(key()), JSON.stringify(nextCursor()), Date.now()]),
  };
  for (const side of Object.values(sides)) await Promise.all(Array.from({ length: STREAMS }, side));
  return sides;
}

const UPSERT = `
  INSERT INTO bare (key, version, data, saved_at) VALUES ($1, 1, $2, $3)
  ON CONFLICT (key) DO UPDATE SET version = bare.version + 1, data = excluded.data, saved_at = excluded.saved_at
  RETURNING version`;

async function roundTripsRow(pool: Pool): Promise<Row> {
  let trips = 0;
  const query = (text: string, values?: unknown[]) => {
    trips++;
    return pool.query(text, values);
  };
  const checkpoints = createCheckpoints({ store: postgresStore({ client: { query } }) });
  const counts: number[] = [];
  for (let save = 0; save < 10; save++) {
    trips = 0;
    await checkpoints.save("counted", nextCursor());
    counts.push(trips);
  }
  return {
    name: "Postgres, save",
    unit: "round trips",
    better: "lower",
    ours: summarise(counts),
    goal: { of: "ours", atMost: 1 },
  };
}

function row(rounds: Rounds, how: string, version: string): Row {
  const description = { name: `Postgres, save, ${how}`, unit: "saves/s", better: "higher" } as const;
  const goal = { of: "ratio", atLeast: 0.9 } as const;
  return rowOf(beside(rounds, "ours", [BARE]), BARE, { ...description, goal }, version);
}
