// Checkpoints in SQLite, through a connection of node:sqlite or better-sqlite3: what the caller writes in the same transaction is saved with
// it, or neither is.

import type { CheckpointStore, Entry, Outcome, SavedVersion, SaveOptions, StoreCall } from "../checkpoint-store.ts";
import { CheckpointError } from "../errors.ts";
import { together } from "./sqlite-savepoint.ts";
import { ensureTables, one, prepare, type SqliteDatabase } from "./sqlite-statements.ts";

export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite-statements.ts";

export interface SqliteStoreOptions {
  /**
   * Stays the caller's, who opens it, says how it is to sync and how long to wait for others, and closes it. With `journal_mode = WAL` and `synchronous =
   * FULL` a save outlives a power loss; with `NORMAL` it outlives a crash of the process, and the last saves may be gone after a power loss.
   */
  readonly database: SqliteDatabase;
  /** Up to 50 letters, digits and underscores. Default `checkpoint`. */
  readonly table?: string | undefined;
}

export interface SqliteStore extends CheckpointStore {
  /**
   * The same store, each save of which calls `write` first, in one transaction with it and in the same turn of the event loop: both are done, or neither.
   * What `write` throws, the save rejects with.
   */
  withWrites(write: () => void): CheckpointStore;
}

const PAGE = 200;

/**
 * Makes its tables where they are missing. Statements run at once, in the caller's transaction where there is one: what comes between
 * `BEGIN` and `COMMIT` is saved together. `BUSY` where another process holds the database for longer than its `busy_timeout`.
 *
 * @example
 * const database = new DatabaseSync("state.db");
 * database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
 * const store = sqliteStore({ database });
 *
 * @throws CheckpointError `INVALID_OPTION`; `STORE_UNFIT`: the table is another's, or of a later version of this package
 */
export function sqliteStore({ database, table = "checkpoint" }: SqliteStoreOptions): SqliteStore {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,49}$/.test(table)) {
    throw new CheckpointError(
      "INVALID_OPTION",
      `table ${JSON.stringify(table.slice(0, 64))} can't be used; give it up to 50 letters, digits and underscores, no digit first`,
    );
  }
  const run = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw asCheckpointError(error);
    }
  };
  run(() => ensureTables(database, table));
  const statements = run(() => prepare(database, table));

  const read = (key: string): Entry | undefined => toEntry(one(statements.read, Buffer.from(key)));
  const outcome = (key: string, row: unknown): Outcome => {
    const entry = toEntry(row);
    return entry ? { ok: true, entry } : { ok: false, entry: read(key) };
  };

  function save(key: string, data: string, options: SaveOptions): Outcome {
    const { savedAt, ifVersion = null, fence = null, keep = 0, note = null } = options;
    const bytes = Buffer.from(key);
    const put = (): Outcome => {
      const values = [bytes, data, savedAt, note, ifVersion, fence, keep] as const;
      const row = one(statements.update, ...values) ?? one(statements.insert, ...values);
      // Not all columns: what we gave would come back as a copy.
      return row ? { ok: true, entry: savedEntry(key, data, savedAt, row) } : outcome(key, undefined);
    };
    if (keep === 0) return put();
    return together(database, () => {
      // What an earlier save dropped, then what this one does.
      statements.prune.run(bytes);
      statements.keep.run(bytes, ifVersion, fence);
      const done = put();
      statements.prune.run(bytes);
      return done;
    });
  }

  /** A promise, as of every store; what it is of has been done by then. */
  async function atOnce<T>(call: StoreCall | undefined, act: () => T): Promise<T> {
    call?.signal?.throwIfAborted();
    return run(act);
  }

  const store: CheckpointStore = {
    read: (key, call) => atOnce(call, () => read(key)),
    save: (key, data, options, call) => atOnce(call, () => save(key, data, options)),
    delete: (key, { ifVersion = null, fence = null } = {}, call) =>
      atOnce(call, () =>
        together(database, () => {
          const done = outcome(key, one(statements.delete, Buffer.from(key), ifVersion, fence));
          if (done.ok) statements.forget.run(Buffer.from(key));
          return done;
        }),
      ),
    grant: (key, holder, seen, call) =>
      atOnce(call, () =>
        outcome(
          key,
          seen === undefined
            ? one(statements.grantFirst, Buffer.from(key), holder)
            : one(statements.grant, Buffer.from(key), holder, seen.fence, seen.beat),
        ),
      ),
    renew: (key, fence, call) => atOnce(call, () => outcome(key, one(statements.renew, Buffer.from(key), fence))),
    release: (key, fence, call) => atOnce(call, () => outcome(key, one(statements.release, Buffer.from(key), fence))),
    async *list(prefix, call) {
      const bytes = Buffer.from(prefix);
      for (let after: Uint8Array | null = null; ; ) {
        const rows = (await atOnce(call, () => statements.list.all(bytes, bytes.length, after, PAGE))) as Row[];
        for (const row of rows)
          yield { key: text(row.key), version: Number(row.version), savedAt: Number(row.saved_at) };
        const last = rows.at(-1);
        if (rows.length < PAGE || last === undefined) return;
        after = last.key;
      }
    },
    versions: (key, call) =>
      atOnce(call, () => {
        const [standing] = statements.standing.all(Buffer.from(key)) as VersionRow[];
        const kept = statements.versions.all(Buffer.from(key)) as VersionRow[];
        return (standing ? [standing, ...kept] : kept).map(toVersion);
      }),
    async close() {},
  };

  return {
    ...store,
    withWrites: (write) => ({
      ...store,
      save: (key, data, options, call) =>
        atOnce(call, () => {
          const both = (): Outcome => {
            write();
            return save(key, data, options);
          };
          return together(database, both, ({ ok }) => ok);
        }),
    }),
  };
}

interface LeaseRow {
  readonly version: unknown;
  readonly fence: unknown;
  readonly holder: string | null;
  readonly beat: unknown;
}

interface Row extends LeaseRow {
  readonly key: Uint8Array;
  readonly data: string | null;
  readonly saved_at: unknown;
}

interface VersionRow {
  readonly version: unknown;
  readonly data: string;
  readonly saved_at: unknown;
  readonly note: string | null;
}

function toEntry(row: unknown): Entry | undefined {
  if (row === undefined) return undefined;
  const { key, data, saved_at } = row as Row;
  return { key: text(key), data, savedAt: Number(saved_at), ...leaseOf(row as Row) };
}

function leaseOf({ version, fence, holder, beat }: LeaseRow): Pick<Entry, "version" | "fence" | "holder" | "beat"> {
  return { version: Number(version), fence: Number(fence), holder, beat: Number(beat) };
}

/** @param row an array, or an object that has its columns in their order */
function savedEntry(key: string, data: string, savedAt: number, row: object): Entry {
  const [version, fence, holder, beat] = Array.isArray(row) ? row : Object.values(row);
  return { key, version: Number(version), data, savedAt, fence: Number(fence), holder, beat: Number(beat) };
}

function toVersion({ version, data, saved_at, note }: VersionRow): SavedVersion {
  return { version: Number(version), data, savedAt: Number(saved_at), note: note ?? undefined };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

// https://www.sqlite.org/rescode.html: the low byte is the primary code.
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

function asCheckpointError(error: unknown): CheckpointError {
  if (error instanceof CheckpointError) return error;
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
  const primary = typeof errcode === "number" ? errcode & 0xff : undefined;
  if (primary === SQLITE_BUSY || primary === SQLITE_LOCKED || /^SQLITE_(?:BUSY|LOCKED)/.test(code ?? "")) {
    return new CheckpointError(
      "BUSY",
      "Another process holds the database; set its busy_timeout to how long a save may wait",
      { cause: error },
    );
  }
  return new CheckpointError("STORE_FAILED", `SQLite failed: ${message}`, { cause: error });
}
