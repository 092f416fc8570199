// Every shared store that lends, opened on a server of its own client's kind: for tests that hold all of them to the same.

import type { ServerName } from "@holdfast/testing";
import pg from "pg";
import type { LeasingStore } from "../src/index.ts";
import { postgresStore } from "../src/stores/postgres.ts";
import { redisStore } from "../src/stores/redis.ts";
import { connectors } from "./redis-clients.ts";

export interface LendingOptions {
  /** Keeps its buckets apart from others': letters, digits and underscores. */
  readonly space: string;
  readonly time?: { now(): number } | undefined;
}

export interface OpenLending extends AsyncDisposable {
  readonly store: LeasingStore;
}

export interface Lending {
  /** The client's package. */
  readonly library: string;
  readonly server: Extract<ServerName, "redis" | "postgres">;
  open(url: string, options: LendingOptions): Promise<OpenLending>;
}

export const lendingStores: readonly Lending[] = [
  ...connectors.map(
    ([library, connect]): Lending => ({
      library,
      server: "redis",
      async open(url, { space, time }) {
        const connected = await connect(url);
        return { ...connected, store: redisStore({ client: connected.client, prefix: `${space}:`, time }) };
      },
    }),
  ),
  {
    library: "pg",
    server: "postgres",
    async open(url, { space, time }) {
      const client = new pg.Pool({ connectionString: url });
      // Of connections that break while nobody uses them.
      client.on("error", () => {});
      const store = postgresStore({ client, table: space, time });
      await store.ensureSchema();
      return { store, [Symbol.asyncDispose]: () => client.end() };
    },
  },
];

/** For a child process that is told the name. */
export function lendingBy(library: string | undefined): Lending {
  const found = lendingStores.find((lending) => lending.library === library);
  if (!found) throw new Error(`there is no ${library}`);
  return found;
}
