// Keys in Postgres: one row a key, each call one statement, none of them named.

import { unlessAborted } from "@holdfast/core";
import { ensureTableSql, type PostgresClient, qualifiedName, schemaProblem } from "@holdfast/core/postgres";
import { ApiKeyError } from "../errors.ts";
import { DEFAULT_LIST_LIMIT, type KeyChange, type KeyRecord, type KeyStore } from "../key-store.ts";

export type { PostgresClient } from "@holdfast/core/postgres";

export interface PostgresKeyStoreOptions {
  /** A `Pool` or `Client` of pg, or what answers alike. It stays the caller's, who connects and closes it. */
  readonly client: PostgresClient;
  /** Up to 50 letters, digits and underscores. Default `api_key`. */
  readonly table?: string | undefined;
  /** Default: by the connection's `search_path`. */
  readonly schema?: string | undefined;
}

export interface PostgresKeyStore extends KeyStore {
  /**
   * Makes schema and table where they are missing. Any number of instances may call it at once, as each does when it starts.
   * @throws ApiKeyError `WRONG_SCHEMA`: the table is another's, or of a later version of this package
   */
  ensureSchema(): Promise<void>;
}

const LAYOUT = 1;

/**
 * Keys in Postgres 12 or later, also behind PgBouncer in any mode. Rows hold digests and no key: whoever reads the table can't use it.
 * A role that did not make the table needs SELECT, INSERT and UPDATE on it; nothing is ever deleted. Calls reject with `WRONG_SCHEMA`
 * where the table is missing.
 *
 * @example
 * const store = postgresKeyStore({ client: new Pool() });
 * await store.ensureSchema();
 * const keys = createApiKeys({ store, prefix: "acme" });
 *
 * @throws HoldfastError `INVALID_NAME`
 */
export function postgresKeyStore({ client, table = "api_key", schema }: PostgresKeyStoreOptions): PostgresKeyStore {
  const name = qualifiedName(table, schema);
  const statements = statementsFor(name);
  const ensure = ensureTableSql({
    table,
    schema,
    mark: "holdfast api keys, layout",
    layout: LAYOUT,
    create: createSql(name, table),
  });

  async function run<Row>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    try {
      return (await client.query(text, values)).rows as readonly Row[];
    } catch (error) {
      const problem = schemaProblem(error, name);
      if (problem !== undefined) throw new ApiKeyError("WRONG_SCHEMA", problem, { cause: error });
      // https://www.postgresql.org/docs/current/errcodes-appendix.html: unique_violation.
      if ((error as { readonly code?: unknown } | null)?.code === "23505") {
        throw new ApiKeyError("CONFLICT", "There is a key of this id already", { cause: error });
      }
      throw error;
    }
  }

  async function ask<Row>(signal: AbortSignal | undefined, text: string, values: unknown[]): Promise<readonly Row[]> {
    signal?.throwIfAborted();
    return await unlessAborted(run<Row>(text, values), signal);
  }

  return {
    async find(id, call) {
      const [row] = await ask<Row>(call?.signal, statements.find, [id]);
      return row && toRecord(row);
    },
    async add(records, call) {
      await ask(call?.signal, statements.add, [JSON.stringify(records.map(toRow))]);
    },
    async update(id, version, change, added, call) {
      const { text, values } = updateStatement(name, change);
      const rows = added ? [toRow(added)] : [];
      const [row] = await ask<UpdatedRow>(call?.signal, text, [id, version, JSON.stringify(rows), ...values]);
      if (row?.changed) return toRecord(row.changed);
      if (!row?.is_there) throw new ApiKeyError("NOT_FOUND", `There is no key ${id}`);
      throw new ApiKeyError("CONFLICT", `Key ${id} has not the version ${version} any more: read it again`);
    },
    async touch(id, usedAt, call) {
      await ask(call?.signal, statements.touch, [id, usedAt]);
    },
    async list({ owner, includeEnded = true, after = "", limit = DEFAULT_LIST_LIMIT }, call) {
      const values = [after, owner ?? null, includeEnded, limit];
      return (await ask<Row>(call?.signal, statements.list, values)).map(toRecord);
    },
    async ensureSchema() {
      await run(ensure);
    },
    async close() {},
  };
}

/** The columns in which a field of a record is kept. Numbers of eight bytes come as texts, or as whatever the user has told the client. */
interface Row {
  readonly id: string;
  /** Bytes, or their text in JSON. */
  readonly digest: Uint8Array | string;
  readonly pepper_id: string | null;
  readonly environment: string;
  readonly name: string;
  readonly owner: string;
  /** JSON, parsed or not. */
  readonly rights: unknown;
  readonly created_at: unknown;
  readonly created_by: string | null;
  readonly expires_at: unknown;
  readonly revoked_at: unknown;
  readonly revoked_because: string | null;
  readonly last_used_at: unknown;
  readonly successor_id: string | null;
  readonly version: unknown;
}

interface UpdatedRow {
  readonly changed: Row | null;
  readonly is_there: boolean;
}

type Rights = Pick<KeyRecord, "scopes" | "limits" | "metadata">;

function createSql(name: string, table: string): string {
  return `
  CREATE TABLE IF NOT EXISTS ${name} (
    -- Compared byte by byte, so that a list has one order whatever the database's language.
    id text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    pepper_id text,
    environment text NOT NULL,
    name text NOT NULL,
    owner text NOT NULL,
    -- Scopes, limits and metadata: read with the key and never searched.
    rights jsonb NOT NULL,
    created_at bigint NOT NULL,
    created_by text,
    expires_at bigint,
    revoked_at bigint,
    revoked_because text,
    -- No index has it, so that its update needs no new entry in one (HOT).
    last_used_at bigint,
    successor_id text,
    version int NOT NULL
  ) WITH (fillfactor = 80);
  CREATE INDEX IF NOT EXISTS "${table}_owner" ON ${name} (owner, id);`;
}

const COLUMNS =
  "id, digest, pepper_id, environment, name, owner, rights, created_at, created_by, expires_at, revoked_at, revoked_because, last_used_at, successor_id, version";

function statementsFor(name: string) {
  return {
    find: `SELECT ${COLUMNS} FROM ${name} WHERE id = $1`,
    add: `INSERT INTO ${name} (${COLUMNS}) SELECT ${COLUMNS} FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb)`,
    touch: `UPDATE ${name} SET last_used_at = $2 WHERE id = $1 AND coalesce(last_used_at, -1) < $2`,
    list: `
SELECT ${COLUMNS} FROM ${name}
 WHERE id > $1
   AND ($2::text IS NULL OR owner = $2)
   AND ($3::boolean OR (revoked_at IS NULL AND coalesce(expires_at > date_part('epoch', clock_timestamp()) * 1000, true)))
 ORDER BY id
 LIMIT $4::int`,
  };
}

const COLUMN_OF: Readonly<Record<Exclude<keyof KeyChange, keyof Rights>, string>> = {
  digest: "digest",
  pepperId: "pepper_id",
  name: "name",
  owner: "owner",
  expiresAt: "expires_at",
  revokedAt: "revoked_at",
  revokedBecause: "revoked_because",
  successorId: "successor_id",
};

/** Its first parameters are the id, the version, and the rows to be added. Both are done or none: it is one statement. */
function updateStatement(name: string, change: KeyChange): { readonly text: string; readonly values: unknown[] } {
  const { scopes, limits, metadata, ...plain } = change;
  const rights = JSON.stringify({ scopes, limits, metadata } satisfies { [Name in keyof Rights]: unknown });
  const values: unknown[] = [rights];
  const sets = [`version = version + 1`, `rights = rights || $4::jsonb`];
  for (const [field, value] of Object.entries(plain)) {
    values.push(value);
    sets.push(`${COLUMN_OF[field as keyof typeof COLUMN_OF]} = $${3 + values.length}`);
  }
  const text = `
WITH changed AS (
  UPDATE ${name} SET ${sets.join(", ")} WHERE id = $1 AND version = $2 RETURNING *
), added AS (
  INSERT INTO ${name} (${COLUMNS})
  SELECT ${COLUMNS.replace(/\w+/g, "new.$&")}
    FROM jsonb_populate_recordset(NULL::${name}, $3::jsonb) AS new, changed
)
SELECT (SELECT to_jsonb(changed) FROM changed) AS changed,
       EXISTS (SELECT FROM ${name} WHERE id = $1) AS is_there`;
  return { text, values };
}

function toRow(record: KeyRecord): Row {
  const { scopes, limits, metadata } = record;
  return {
    id: record.id,
    digest: `\\x${Buffer.from(record.digest).toString("hex")}`,
    pepper_id: record.pepperId,
    environment: record.environment,
    name: record.name,
    owner: record.owner,
    rights: { scopes, limits, metadata } satisfies Rights,
    created_at: record.createdAt,
    created_by: record.createdBy,
    expires_at: record.expiresAt,
    revoked_at: record.revokedAt,
    revoked_because: record.revokedBecause,
    last_used_at: record.lastUsedAt,
    successor_id: record.successorId,
    version: record.version,
  };
}

function toRecord(row: Row): KeyRecord {
  const rights = (typeof row.rights === "string" ? JSON.parse(row.rights) : row.rights) as Rights;
  return {
    id: row.id,
    digest: typeof row.digest === "string" ? Buffer.from(row.digest.slice(2), "hex") : row.digest,
    pepperId: row.pepper_id,
    environment: row.environment,
    name: row.name,
    owner: row.owner,
    scopes: rights.scopes,
    limits: rights.limits,
    metadata: rights.metadata,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    expiresAt: orNull(row.expires_at),
    revokedAt: orNull(row.revoked_at),
    revokedBecause: row.revoked_because,
    lastUsedAt: orNull(row.last_used_at),
    successorId: row.successor_id,
    version: Number(row.version),
  };
}

function orNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}
