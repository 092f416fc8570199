// A store that processes share, by its kind.

import { DatabaseSync } from "node:sqlite";
import { Redis } from "ioredis";
import pg from "pg";
import type { CheckpointStore } from "../../src/checkpoint-store.ts";
import { fileStore } from "../../src/stores/file.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";

export type Kind = "file" | "sqlite" | "postgres" | "redis";

/** @param at a folder, a file, or a URL */
export async function openStore(kind: Kind, at: string): Promise<CheckpointStore> {
  const open: Readonly<Record<Kind, () => CheckpointStore | Promise<CheckpointStore>>> = {
    file: () => fileStore({ folder: at, lockTimeout: "30s" }),
    sqlite() {
      const database = new DatabaseSync(at);
      database.exec("PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      return withClose(sqliteStore({ database }), () => database.close());
    },
    async postgres() {
      const client = new pg.Pool({ connectionString: at, max: 3 });
      // Of a connection that is still closing when the server ends.
      client.on("error", () => {});
      const store = postgresStore({ client });
      await store.ensureSchema();
      return withClose(store, () => client.end());
    },
    redis() {
      const client = new Redis(at);
      return withClose(redisStore({ client }), () => client.disconnect());
    },
  };
  return await open[kind]();
}

/** The store's client is its user's to close, and here that is us. */
function withClose(store: CheckpointStore, close: () => unknown): CheckpointStore {
  return { ...store, close: async () => void (await close()) };
}
