// Rows in a table of Postgres, and the cursor in the same transaction where the checkpoints stand in the same database.

import { type PostgresClient, qualifiedName, quotedName } from "@holdfast/core/postgres";
import { CheckpointError } from "../../errors.ts";
import type { PostgresStore } from "../../stores/postgres.ts";
import type { Sink } from "../contract.ts";

type Listener = (error: Error) => void;

/** One connection of a pool, ours until it is released. */
export interface PostgresConnection extends PostgresClient {
  release(error?: Error | boolean): void;
  on?(event: "error", listener: Listener): unknown;
  off?(event: "error", listener: Listener): unknown;
}

/** What the sink needs of a `Pool` of pg. A transaction needs one connection, so a pool's `query` does not do. */
export interface PostgresPool {
  connect(): Promise<PostgresConnection>;
}

export interface PostgresSinkOptions<Row> {
  readonly pool: PostgresPool;
  /** The table, which is there already. Up to 50 letters, digits and underscores. */
  readonly table: string;
  /** Default: by the connection's `search_path`. */
  readonly schema?: string | undefined;
  /** By each column's name, its type: `{ id: "text", at: "timestamptz", tags: "jsonb" }`. No arrays: `jsonb` holds them. */
  readonly columns: Readonly<Record<string, string>>;
  /** Columns with a unique index or primary key. A row whose key is there takes the place of what is. */
  readonly key: readonly [string, ...string[]];
  /** Values by column. Default: the row's own properties. */
  readonly values?: ((row: Row) => Readonly<Record<string, unknown>>) | undefined;
  /** The store that the checkpoints are made over, in the same database. Where given, rows and cursor are committed together, or not at all. */
  readonly store?: Pick<PostgresStore, "within"> | undefined;
}

/** So that no statement gets too long for the server's memory. */
const MOST_ROWS = 5000;

/**
 * Of several rows with one key in a batch, the last is written. Rows go in in the order of their keys, so that two writers don't wait for each
 * other in a circle.
 *
 * @throws CheckpointError `INVALID_OPTION`; HoldfastError `INVALID_NAME`
 */
export function postgresSink<Row>(options: PostgresSinkOptions<Row>): Sink<Row> {
  const { pool, store, values = (row: Row) => row as Readonly<Record<string, unknown>> } = options;
  const columns = Object.entries(options.columns);
  const upsert = upsertSql(options);

  /** One array a column. */
  function valuesOf(rows: readonly Row[]): unknown[][] {
    const byRow = rows.map(values);
    return columns.map(([name, type]) => {
      const isJson = /^jsonb?$/i.test(type);
      // pg would make an array inside a value one of Postgres.
      return byRow.map(({ [name]: value }) => (isJson && value != null ? JSON.stringify(value) : (value ?? null)));
    });
  }

  return {
    async write(rows, { signal, save }) {
      await inTransaction(pool, async (client) => {
        for (let from = 0; from < rows.length; from += MOST_ROWS) {
          signal.throwIfAborted();
          await client.query(upsert, valuesOf(rows.slice(from, from + MOST_ROWS))).catch(fail);
        }
        // Last, since it locks the row that the lease is renewed in.
        if (store) await save(store.within(client));
      });
    },
  };
}

async function inTransaction(pool: PostgresPool, work: (client: PostgresClient) => Promise<void>): Promise<void> {
  const client = await pool.connect().catch(fail);
  let broken: Error | undefined;
  // A connection that breaks between two statements says so by an event, which nobody else hears while it is ours.
  const onError: Listener = (error) => {
    broken = error;
  };
  client.on?.("error", onError);
  try {
    await client.query("BEGIN").catch(fail);
    await work(client);
    await client.query("COMMIT").catch(fail);
  } catch (error) {
    await client.query("ROLLBACK").catch((cause: Error) => {
      broken ??= cause;
    });
    throw error;
  } finally {
    // One that is thrown away may say more while it closes.
    if (broken === undefined) client.off?.("error", onError);
    client.release(broken);
  }
}

function fail(cause: Error): never {
  throw new CheckpointError("SINK_FAILED", `Postgres did not take the rows: ${cause.message}`, { cause });
}

function upsertSql<Row>({ table, schema, columns, key }: PostgresSinkOptions<Row>): string {
  const names = Object.keys(columns).map((column) => quotedName("column", column));
  const keys = key.map((column) => quotedName("key", column));
  const missing = key.filter((column) => !Object.hasOwn(columns, column));
  if (keys.length === 0 || missing.length > 0) {
    throw new CheckpointError(
      "INVALID_OPTION",
      `key names ${missing.join(", ") || "nothing"}; give columns of columns`,
    );
  }
  const arrays = Object.entries(columns).map(([column, type], index) => {
    if (/^[a-z_][a-z0-9_ .]*(\(\d+(, ?\d+)?\))?[a-z ]*$/i.test(type)) return `$${index + 1}::${type}[]`;
    throw new CheckpointError(
      "INVALID_OPTION",
      `The type of ${column} is ${type}; give one such as text or numeric(9, 2)`,
    );
  });
  const updates = names.filter((name) => !keys.includes(name)).map((name) => `${name} = excluded.${name}`);
  return `
INSERT INTO ${qualifiedName(table, schema)} (${names.join(", ")})
-- Postgres itself tells which keys are equal: it refuses to change a row twice in one statement.
SELECT DISTINCT ON (${keys.join(", ")}) ${names.join(", ")}
  FROM unnest(${arrays.join(", ")}) WITH ORDINALITY AS given (${names.join(", ")}, "place in the batch")
 ORDER BY ${keys.join(", ")}, "place in the batch" DESC
ON CONFLICT (${keys.join(", ")}) DO ${updates.length > 0 ? `UPDATE SET ${updates.join(", ")}` : "NOTHING"}`;
}
