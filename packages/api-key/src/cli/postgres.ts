// The store of the command line. It and the client are loaded when they are needed, and only then has the client to be installed.

import type { KeyStore } from "../key-store.ts";

export interface OpenOptions {
  readonly url: string;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  /** Makes the table where it is not there. */
  readonly ensureSchema: boolean;
}

/** Its `close` ends the connection too. */
export async function openPostgres({ url, table, schema, ensureSchema }: OpenOptions): Promise<KeyStore> {
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new Error("The Postgres client is not installed: npm install pg", { cause });
  });
  const { postgresKeyStore } = await import("../stores/postgres.ts");
  const client = new pg.Pool({ connectionString: url, max: 1 });
  const store = postgresKeyStore({ client, table, schema });
  if (ensureSchema) await store.ensureSchema();
  return {
    ...store,
    async close() {
      await store.close();
      await client.end();
    },
  };
}
