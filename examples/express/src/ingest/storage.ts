// Where posts and checkpoints go: files of this machine, or a Postgres that has both in one transaction.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Checkpoints, type CheckpointsOptions, createCheckpoints } from "@holdfast/checkpoint";
import { fileStore } from "@holdfast/checkpoint/file";
import {
  type DeadLetter,
  type JsonLinesSink,
  openJsonLines,
  postgresSink,
  type SinceIdCursor,
  type Sink,
} from "@holdfast/checkpoint/ingest";
import { postgresStore } from "@holdfast/checkpoint/postgres";
import pg from "pg";
import type { Logger } from "pino";
import { z } from "zod";
import type { IngestSettings } from "./config.ts";
import type { Post } from "./timeline.ts";

export interface Storage {
  readonly checkpoints: Checkpoints<SinceIdCursor>;
  openAccount(account: string): AccountSinks;
  close(): Promise<void>;
}

export interface AccountSinks {
  readonly posts: Sink<Post>;
  /** What is no post. */
  readonly refused: Sink<DeadLetter>;
  close(): Promise<void>;
}

export type CheckpointSettings = Pick<CheckpointsOptions<SinceIdCursor>, "on" | "logger">;

const id = z.string().nullable();
const COMMON = { schema: z.object({ since: id, high: id, low: id }), history: 5 };

export async function openStorage(
  { DATA_FOLDER, DATABASE_URL }: IngestSettings,
  settings: CheckpointSettings & { readonly logger: Logger },
): Promise<Storage> {
  await mkdir(DATA_FOLDER, { recursive: true });
  const files = inFiles(DATA_FOLDER, settings);
  if (DATABASE_URL === undefined) return files;
  return await inPostgres(DATABASE_URL.reveal(), files, settings);
}

/** A file of posts an account, and one of what was refused. A post that a crash made come again is known by its id. */
function inFiles(folder: string, settings: CheckpointSettings): Storage {
  const store = fileStore({ folder: join(folder, "checkpoints") });
  return {
    checkpoints: createCheckpoints({ ...COMMON, ...settings, store }),
    openAccount(account) {
      const posts = openedLate<Post>(join(folder, `${account}.jsonl`), (one) => one.id);
      const refused = openedLate<DeadLetter>(join(folder, `${account}.refused.jsonl`), ({ record }) =>
        JSON.stringify(record),
      );
      return {
        posts,
        refused,
        async close() {
          await Promise.all([posts.close(), refused.close()]);
        },
      };
    },
    close: () => store.close(),
  };
}

/** What is refused goes to a file here too: it is for people to look at. */
async function inPostgres(
  connectionString: string,
  files: Storage,
  { logger, ...settings }: CheckpointSettings & { readonly logger: Logger },
): Promise<Storage> {
  const pool = new pg.Pool({ connectionString });
  // Of an idle connection that breaks; the pool makes another.
  pool.on("error", (error) => logger.warn({ err: error }, "postgres"));
  const store = postgresStore({ client: pool });
  try {
    await store.ensureSchema();
    await pool.query(`
CREATE TABLE IF NOT EXISTS post (
  id bigint PRIMARY KEY, account text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL
)`);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const posts = postgresSink<Post>({
    pool,
    store,
    table: "post",
    columns: { id: "bigint", account: "text", body: "text", created_at: "timestamptz" },
    key: ["id"],
    values: ({ user, text, createdAt, ...rest }) => ({ ...rest, account: user, body: text, created_at: createdAt }),
  });
  return {
    checkpoints: createCheckpoints({ ...COMMON, ...settings, logger, store }),
    openAccount: (account) => ({ ...files.openAccount(account), posts }),
    async close() {
      await Promise.all([pool.end(), files.close()]);
    },
  };
}

/** Opened by the first write, which comes under the account's lease: by then no other process has the file. */
function openedLate<Row>(path: string, idOf: (row: Row) => string): Sink<Row> & { close(): Promise<void> } {
  let opening: Promise<JsonLinesSink<Row>> | undefined;
  return {
    async write(rows, call) {
      opening ??= openJsonLines(path, { id: idOf });
      const lines = await opening;
      await lines.write(rows, call);
    },
    async close() {
      const lines = await opening?.catch(() => undefined);
      await lines?.close();
    },
  };
}
