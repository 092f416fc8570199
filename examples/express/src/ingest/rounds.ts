// Round after round over all accounts, a few at a time, each from where it was.

import {
  type IngestHooks,
  type IngestResult,
  ingest,
  ingestAll,
  type SinceIdCursor,
} from "@holdfast/checkpoint/ingest";
import { type Clock, sleep } from "@holdfast/core";
import type { HttpClient } from "@holdfast/http-retry";
import type { IngestSettings } from "./config.ts";
import type { Storage } from "./storage.ts";
import { post, timelineOf } from "./timeline.ts";

export interface RoundsOptions {
  readonly config: IngestSettings;
  readonly client: HttpClient;
  readonly storage: Storage;
  readonly on: IngestHooks;
  readonly clock: Clock;
  /** Lets the pages at hand be written, and begins no other. */
  readonly stop: AbortSignal;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
}

const ACCOUNTS_AT_ONCE = 4;

/** Ends when it is stopped; with INGEST_ONCE after one round. Resolves to how many accounts failed in the last one. */
export async function runRounds(options: RoundsOptions): Promise<number> {
  const { config, clock, stop, signal } = options;
  for (;;) {
    const outcomes = await ingestAll(config.ACCOUNTS, (account, call) => ingestAccount(account, call.stop, options), {
      limit: ACCOUNTS_AT_ONCE,
      deadline: config.INGEST_DEADLINE,
      stop,
      signal,
      clock,
    });
    const failed = [...outcomes.values()].filter(({ status }) => status === "rejected").length;
    if (config.INGEST_ONCE) return failed;
    // Rejects when it is told to stop.
    await sleep(config.INGEST_EVERY, { clock, signal: stop }).catch(() => {});
    if (stop.aborted) return failed;
  }
}

async function ingestAccount(
  account: string,
  stop: AbortSignal | undefined,
  { config, client, storage, on, clock, signal }: RoundsOptions,
): Promise<IngestResult<SinceIdCursor>> {
  const { posts, refused, close } = storage.openAccount(account);
  try {
    return await ingest({
      key: `posts:${account}`,
      checkpoints: storage.checkpoints,
      source: timelineOf(account, config.TIMELINE_URL, client),
      schema: post,
      sink: posts,
      deadLetters: refused,
      id: ({ id }) => id,
      timeOf: ({ createdAt }) => new Date(createdAt),
      prefetch: true,
      lease: { ttl: config.LEASE_TTL },
      stop,
      signal,
      on,
      clock,
    });
  } finally {
    await close();
  }
}
