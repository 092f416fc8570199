// Checkpoints in Postgres: one row a key, each change one statement. What the caller writes in the same transaction is saved with it, or
// neither is.

import { unlessAborted } from "@holdfast/core";
import { ensureTableSql, type PostgresClient, qualifiedName, schemaProblem } from "@holdfast/core/postgres";
import type {
  CheckpointStore,
  Condition,
  Entry,
  Outcome,
  SavedVersion,
  SaveOptions,
  StoreCall,
} from "../checkpoint-store.ts";
import { CheckpointError } from "../errors.ts";
import { type Statements, statementsFor } from "./postgres-statements.ts";

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

  async function saveBy(
    text: string,
    key: string,
    data: string,
    { savedAt, note }: SaveOptions,
    call: StoreCall | undefined,
    conditions: readonly unknown[] = [],
  ): Promise<Outcome> {
    const [row] = await ask<LeaseRow>(call, text, [Buffer.from(key), data, savedAt, note ?? null, ...conditions]);
    return row
      ? { ok: true, entry: { key, data, savedAt, ...leaseOf(row) } }
      : { ok: false, entry: await read(key, call) };
  }

  async function saveKeeping(
    key: string,
    data: string,
    options: SaveOptions,
    call: StoreCall | undefined,
  ): Promise<Outcome> {
    const { ifVersion = null, fence = null, keep } = options;
    for (;;) {
      const outcome = await saveBy(statements.saveKeeping, key, data, options, call, [ifVersion, fence, keep]);
      // Somebody else made the first entry at the same time; under no condition there is still room for ours.
      const isMet = !outcome.ok && outcome.entry !== undefined && meets(outcome.entry, options);
      if (!isMet) return outcome;
    }
  }

  return {
    read,
    save(key, data, options, call) {
      const { ifVersion, fence, keep = 0 } = options;
      if (keep > 0) return saveKeeping(key, data, options, call);
      if (fence !== undefined || (ifVersion ?? 0) > 0)
        return saveBy(statements.saveOver, key, data, options, call, [ifVersion ?? null, fence ?? null]);
      return saveBy(ifVersion === 0 ? statements.saveFirst : statements.save, key, data, options, call);
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
interface LeaseRow {
  readonly version: unknown;
  readonly fence: unknown;
  readonly holder: string | null;
  readonly beat: unknown;
}

interface Row extends LeaseRow {
  readonly key: Buffer;
  readonly data: string | null;
  readonly saved_at: unknown;
}

interface VersionRow {
  readonly version: unknown;
  readonly data: string;
  readonly saved_at: unknown;
  readonly note: string | null;
}

function toEntry(row: Row): Entry {
  return { key: row.key.toString("utf8"), data: row.data, savedAt: Number(row.saved_at), ...leaseOf(row) };
}

function leaseOf({ version, fence, holder, beat }: LeaseRow): Pick<Entry, "version" | "fence" | "holder" | "beat"> {
  return { version: Number(version), fence: Number(fence), holder, beat: Number(beat) };
}

function toVersion({ version, data, saved_at, note }: VersionRow): SavedVersion {
  return { version: Number(version), data, savedAt: Number(saved_at), note: note ?? undefined };
}
