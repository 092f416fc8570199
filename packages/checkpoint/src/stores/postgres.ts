// Checkpoints in Postgres: one row a key, each change one statement. What the caller writes in the same transaction is saved with it, or
// neither is.

import { unlessAborted } from "@holdfast/core";
import { ensureTableSql, type PostgresClient, qualifiedName, schemaProblem } from "@holdfast/core/postgres";
import type { CheckpointStore, Condition, Entry, Outcome, SavedVersion, StoreCall } from "../checkpoint-store.ts";
import { CheckpointError } from "../errors.ts";

export type { PostgresClient } from "@holdfast/core/postgres";

export interface PostgresStoreOptions {
  /** A `Pool` or `Client` of pg, or what answers alike. It stays the caller's, who connects and closes it. */
  readonly client: PostgresClient;
  /** Up to 50 letters, digits and underscores. Default `checkpoint`. */
  readonly table?: string | undefined;
  /** Default: by the connection's `search_path`. */
  readonly schema?: string | undefined;
}

export interface PostgresStore extends CheckpointStore {
  /**
   * Makes schema and tables where they are missing. Any number of instances may call it at once, as each does when it starts.
   * @throws CheckpointError `STORE_UNFIT`: the table is another's, or of a later version of this package
   */
  ensureSchema(): Promise<void>;
  /**
   * The same store inside a transaction of the caller's: what is saved by it is saved when that commits, and not when it does not. A save
   * that is refused is refused at once; whether to go on is the caller's to decide.
   */
  within(transaction: PostgresClient): CheckpointStore;
}

const LAYOUT = 1;
const PAGE = 200;

/**
 * Checkpoints in Postgres 12 or later, also behind PgBouncer in any mode: no statement is named, and no lock outlives its statement. The isolation
 * level READ COMMITTED is enough. A role that did not make the tables needs SELECT, INSERT, UPDATE and DELETE on them.
 *
 * @example
 * const store = postgresStore({ client: pool });
 * await store.ensureSchema();
 *
 * @throws HoldfastError `INVALID_NAME`
 */
export function postgresStore({ client, table = "checkpoint", schema }: PostgresStoreOptions): PostgresStore {
  const name = qualifiedName(table, schema);
  const statements = statementsFor(name, qualifiedName(`${table}_version`, schema));
  const ensure = ensureTableSql({
    table,
    schema,
    mark: "holdfast checkpoints, layout",
    layout: LAYOUT,
    create: statements.create,
  });

  return {
    ...storeOn(client, name, statements),
    async ensureSchema() {
      await run(client, name, ensure, []);
    },
    within: (transaction) => storeOn(transaction, name, statements),
  };
}

function storeOn(client: PostgresClient, name: string, statements: Statements): CheckpointStore {
  async function ask<Row>(call: StoreCall | undefined, text: string, values: unknown[]): Promise<readonly Row[]> {
    call?.signal?.throwIfAborted();
    return await unlessAborted(run<Row>(client, name, text, values), call?.signal);
  }

  async function read(key: string, call?: StoreCall): Promise<Entry | undefined> {
    const [row] = await ask<Row>(call, statements.read, [Buffer.from(key)]);
    return row && toEntry(row);
  }

  /** Refusals are rare, and cost a second statement: to tell what stands. */
  async function change(key: string, call: StoreCall | undefined, text: string, values: unknown[]): Promise<Outcome> {
    const [row] = await ask<Row>(call, text, [Buffer.from(key), ...values]);
    return row ? { ok: true, entry: toEntry(row) } : { ok: false, entry: await read(key, call) };
  }

  return {
    read,
    async save(key, data, options, call) {
      const { savedAt, ifVersion = null, fence = null, keep = 0, note = null } = options;
      const values = [data, savedAt, note, ifVersion, fence];
      for (;;) {
        const outcome =
          keep > 0
            ? await change(key, call, statements.saveKeeping, [...values, keep])
            : await change(key, call, statements.save, values);
        // Somebody else made the first entry at the same time; under no condition there is still room for ours.
        const isMet = !outcome.ok && outcome.entry !== undefined && meets(outcome.entry, options);
        if (!isMet) return outcome;
      }
    },
    delete: (key, { ifVersion = null, fence = null } = {}, call) =>
      change(key, call, statements.delete, [ifVersion, fence]),
    grant: (key, holder, seen, call) =>
      seen === undefined
        ? change(key, call, statements.grantFirst, [holder])
        : change(key, call, statements.grant, [holder, seen.fence, seen.beat]),
    renew: (key, fence, call) => change(key, call, statements.renew, [fence, false]),
    release: (key, fence, call) => change(key, call, statements.renew, [fence, true]),
    async *list(prefix, call) {
      const bytes = Buffer.from(prefix);
      for (let after: Buffer | null = null; ; ) {
        const rows: readonly Row[] = await ask<Row>(call, statements.list, [bytes, bytes.length, after, PAGE]);
        for (const row of rows) {
          const { key, version, savedAt } = toEntry(row);
          yield { key, version, savedAt };
        }
        const last = rows.at(-1);
        if (rows.length < PAGE || last === undefined) return;
        after = last.key;
      }
    },
    async versions(key, call) {
      return (await ask<VersionRow>(call, statements.versions, [Buffer.from(key)])).map(toVersion);
    },
    async close() {},
  };
}

async function run<Row>(
  client: PostgresClient,
  name: string,
  text: string,
  values: unknown[],
): Promise<readonly Row[]> {
  try {
    return (await client.query(text, values)).rows as readonly Row[];
  } catch (error) {
    const problem = schemaProblem(error, name);
    if (problem !== undefined) throw new CheckpointError("STORE_UNFIT", problem, { cause: error });
    throw new CheckpointError("STORE_FAILED", `Postgres failed: ${(error as Error).message}`, { cause: error });
  }
}

function meets({ data, version, fence: granted }: Entry, { ifVersion, fence }: Condition): boolean {
  if (fence !== undefined && fence !== granted) return false;
  if (ifVersion === undefined) return true;
  return ifVersion === 0 ? data === null : data !== null && version === ifVersion;
}

/** Numbers of eight bytes come as texts, or as whatever the user has told the client. */
interface Row {
  readonly key: Buffer;
  readonly version: unknown;
  readonly data: string | null;
  readonly saved_at: unknown;
  readonly fence: unknown;
  readonly holder: string | null;
  readonly beat: unknown;
}

interface VersionRow {
  readonly version: unknown;
  readonly data: string;
  readonly saved_at: unknown;
  readonly note: string | null;
}

function toEntry(row: Row): Entry {
  return {
    key: row.key.toString("utf8"),
    version: Number(row.version),
    data: row.data,
    savedAt: Number(row.saved_at),
    fence: Number(row.fence),
    holder: row.holder,
    beat: Number(row.beat),
  };
}

function toVersion({ version, data, saved_at, note }: VersionRow): SavedVersion {
  return { version: Number(version), data, savedAt: Number(saved_at), note: note ?? undefined };
}

type Statements = ReturnType<typeof statementsFor>;

const COLUMNS = "key, version, data, saved_at, fence, holder, beat";

function statementsFor(name: string, versions: string) {
  const holds = (ifVersion: string, fence: string): string => `
      (${ifVersion}::bigint IS NULL OR CASE WHEN ${ifVersion}::bigint = 0 THEN c.data IS NULL ELSE c.data IS NOT NULL AND c.version = ${ifVersion}::bigint END)
      AND (${fence}::bigint IS NULL OR c.fence = ${fence}::bigint)`;
  /** Where there is no row yet. */
  const insert = `
  INSERT INTO ${name} (key, version, data, saved_at, note)
  SELECT $1, 1, $2, $3, $4
   WHERE coalesce($5::bigint, 0) = 0 AND $6::bigint IS NULL AND NOT EXISTS (SELECT FROM ${name} WHERE key = $1)
  ON CONFLICT DO NOTHING
  RETURNING ${COLUMNS}`;
  const update = `
  UPDATE ${name} AS c SET version = c.version + 1, data = $2, saved_at = $3, note = $4, kept = 0
   WHERE c.key = $1 AND ${holds("$5", "$6")}
  RETURNING ${COLUMNS}`;

  return {
    create: `
  CREATE TABLE IF NOT EXISTS ${name} (
    -- UTF-8, since a text of Postgres holds no NUL, and is ordered by a language.
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    data text,
    saved_at bigint NOT NULL,
    note text,
    fence bigint NOT NULL DEFAULT 0,
    holder text,
    beat bigint NOT NULL DEFAULT 0,
    -- How many earlier versions count. What is in the other table beside those waits to be deleted with the next that is kept.
    kept bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 80);
  CREATE TABLE IF NOT EXISTS ${versions} (
    key bytea NOT NULL,
    version bigint NOT NULL,
    data text NOT NULL,
    saved_at bigint NOT NULL,
    note text,
    PRIMARY KEY (key, version)
  );`,

    read: `SELECT ${COLUMNS} FROM ${name} WHERE key = $1`,

    // key, data, savedAt, note, ifVersion, fence
    save: `
WITH updated AS (${update}
), inserted AS (${insert}
)
SELECT * FROM updated UNION ALL SELECT * FROM inserted`,

    // The same, and how many to keep. The row is locked before it is copied, so that the copy is of what the update finds.
    saveKeeping: `
WITH before AS (
  SELECT * FROM ${name} WHERE key = $1 FOR UPDATE
), updated AS (
  UPDATE ${name} AS c SET version = c.version + 1, data = $2, saved_at = $3, note = $4, kept = $7::bigint
    FROM before
   WHERE c.key = $1 AND before.version = c.version AND ${holds("$5", "$6")}
  RETURNING ${COLUMNS.replace(/\w+/g, "c.$&")}
), kept AS (
  INSERT INTO ${versions} (key, version, data, saved_at, note)
  SELECT before.key, before.version, before.data, before.saved_at, before.note
    FROM before, updated
   WHERE before.data IS NOT NULL
), pruned AS (
  DELETE FROM ${versions} AS v USING before, updated
   WHERE v.key = $1 AND v.version < greatest(updated.version - $7::bigint, before.version - before.kept)
), inserted AS (${insert}
)
SELECT * FROM updated UNION ALL SELECT * FROM inserted`,

    // key, ifVersion, fence
    delete: `
WITH deleted AS (
  UPDATE ${name} AS c SET version = c.version + 1, data = NULL, note = NULL
   WHERE c.key = $1 AND c.data IS NOT NULL AND ${holds("$2", "$3")}
  RETURNING ${COLUMNS}
), pruned AS (
  DELETE FROM ${versions} WHERE key = $1 AND EXISTS (SELECT FROM deleted)
)
SELECT * FROM deleted`,

    // key, holder
    grantFirst: `
INSERT INTO ${name} (key, version, saved_at, fence, holder, beat) VALUES ($1, 0, 0, 1, $2, 1)
ON CONFLICT DO NOTHING
RETURNING ${COLUMNS}`,

    // key, holder, and the fence and beat that were seen
    grant: `
UPDATE ${name} SET fence = fence + 1, holder = $2, beat = beat + 1
 WHERE key = $1 AND fence = $3 AND beat = $4
RETURNING ${COLUMNS}`,

    // key, fence, whether to release
    renew: `
UPDATE ${name} SET beat = beat + 1, holder = CASE WHEN $3::boolean THEN NULL ELSE holder END
 WHERE key = $1 AND fence = $2 AND holder IS NOT NULL
RETURNING ${COLUMNS}`,

    // prefix, its length, the key to go on after, how many
    list: `
SELECT ${COLUMNS.replace("data", "NULL AS data")} FROM ${name}
 WHERE key >= $1 AND substring(key FROM 1 FOR $2::int) = $1 AND data IS NOT NULL AND ($3::bytea IS NULL OR key > $3)
 ORDER BY key
 LIMIT $4::int`,

    versions: `
SELECT version, data, saved_at, note FROM ${name} WHERE key = $1 AND data IS NOT NULL
UNION ALL
SELECT v.version, v.data, v.saved_at, v.note
  FROM ${versions} AS v, ${name} AS c
 WHERE c.key = $1 AND v.key = $1 AND v.version >= c.version - c.kept
 ORDER BY version DESC`,
  };
}
