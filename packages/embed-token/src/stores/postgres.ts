// Marks and revocations in Postgres, shared by every instance that asks it: one statement a call, time by Postgres' own clock.

import { unlessAborted } from "@holdfast/core";
import { type PostgresClient, schemaProblem } from "@holdfast/core/postgres";
import { EmbedTokenError } from "../errors.ts";
import type { StoreCall, TokenStore } from "../token-store.ts";
import { statementsFor } from "./postgres-statements.ts";

export type { PostgresClient } from "@holdfast/core/postgres";

export interface PostgresTokenStoreOptions {
  /** Stays the caller's, who connects and closes it. Best a pool: an open transaction on the connection would hold up the same marks of others. */
  readonly client: PostgresClient;
  /** What the names of the two tables begin with: up to 28 letters, digits and underscores. Default `embed_token`. */
  readonly table?: string | undefined;
  /** Default: by the connection's `search_path`. */
  readonly schema?: string | undefined;
}

export interface PostgresTokenStore extends TokenStore {
  /**
   * Makes schema and tables where they are missing. Any number of instances may call it at once, as each does when it starts; where all
   * is there it needs no privilege to create.
   * @throws EmbedTokenError `WRONG_SCHEMA`: a table is another's, or of a later version of this package
   */
  ensureSchema(): Promise<void>;
  /**
   * Deletes what need not be kept any more, `batch` rows (default 1000) a statement, and resolves to how many they were. Passes over
   * rows in use. Call it now and then, from a cron job or a timer, on any instance or several.
   */
  cleanUp(options?: { readonly batch?: number; readonly signal?: AbortSignal }): Promise<number>;
}

/**
 * A store in Postgres 12 or later, also behind PgBouncer in any mode. What was marked or revoked outlives a crash, if the connections'
 * `synchronous_commit` is on, as it is by default. A role that did not make the tables needs SELECT, INSERT, UPDATE and DELETE on them.
 *
 * @example
 * const store = postgresTokenStore({ client: new Pool() });
 * await store.ensureSchema();
 * const tokens = createEmbedTokens({ keys, issuer, audience, once: store, revocations: store });
 * setInterval(() => store.cleanUp().catch(report), 600_000).unref();
 * @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_NAME` of the schema
 */
export function postgresTokenStore({
  client,
  table = "embed_token",
  schema,
}: PostgresTokenStoreOptions): PostgresTokenStore {
  const statements = statementsFor(table, schema);

  async function run<Row>(text: string, values: unknown[], call: StoreCall | undefined): Promise<readonly Row[]> {
    call?.signal?.throwIfAborted();
    try {
      const { rows } = await unlessAborted(client.query(text, values), call?.signal);
      return rows as readonly Row[];
    } catch (error) {
      const problem = schemaProblem(error, table);
      throw problem === undefined ? error : new EmbedTokenError("WRONG_SCHEMA", problem, { cause: error });
    }
  }

  return {
    async mark(name, keepMs, call) {
      const rows = await run(statements.mark, [name, keepMs], call);
      return rows.length === 1;
    },
    async revoke(name, issuedUpTo, keepMs, call) {
      await run(statements.revoke, [name, issuedUpTo, keepMs], call);
    },
    async revocations(names, call) {
      const rows = await run<RevocationRow>(statements.revocations, [names], call);
      const found = new Map(rows.map((row) => [row.name, Number(row.issued_up_to)]));
      return names.map((name) => found.get(name));
    },
    async ensureSchema() {
      for (const statement of statements.ensure) await run(statement, [], undefined);
    },
    async cleanUp({ batch = 1000, signal } = {}) {
      if (!Number.isSafeInteger(batch) || batch < 1) {
        throw new EmbedTokenError("INVALID_OPTION", `batch is ${batch}; give a whole number >= 1`);
      }
      let deleted = 0;
      for (const statement of statements.cleanUp) {
        for (let rows = batch; rows === batch; deleted += rows) {
          rows = (await run(statement, [batch], { signal })).length;
        }
      }
      return deleted;
    },
    async close() {},
  };
}

interface RevocationRow {
  readonly name: string;
  readonly issued_up_to: number;
}
