// Several streams at once, but not too many.

import { CheckpointError } from "../errors.ts";

export interface StreamsOptions {
  /** How many run at a time. Default 4. */
  readonly limit?: number | undefined;
  /** Ends all at once, and begins no more. */
  readonly signal?: AbortSignal | undefined;
  /** Lets those that run finish their page, and begins no more. */
  readonly stop?: AbortSignal | undefined;
}

export interface StreamCall {
  readonly signal: AbortSignal | undefined;
  readonly stop: AbortSignal | undefined;
}

/**
 * Runs each key's stream, at most `limit` at a time, in their order. One that fails stops no other. Resolves to what became of each that began.
 *
 * @example
 * const outcomes = await ingestAll(accounts, (account, call) => ingest({ ...call, key: `posts:${account}`, ... }), { limit: 8 });
 *
 * @throws CheckpointError `INVALID_OPTION`
 */
export async function ingestAll<T>(
  keys: Iterable<string>,
  run: (key: string, call: StreamCall) => Promise<T>,
  { limit = 4, signal, stop }: StreamsOptions = {},
): Promise<ReadonlyMap<string, PromiseSettledResult<T>>> {
  if (!(Number.isInteger(limit) && limit >= 1)) {
    throw new CheckpointError("INVALID_OPTION", `limit is ${limit}; give a whole number from 1`);
  }
  const outcomes = new Map<string, PromiseSettledResult<T>>();
  const waiting = new Set(keys).values();
  const work = async (): Promise<void> => {
    // All take from one iterator, so each key is one worker's.
    for (const key of waiting) {
      if (signal?.aborted || stop?.aborted) return;
      const [outcome] = await Promise.allSettled([(async () => await run(key, { signal, stop }))()]);
      outcomes.set(key, outcome);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return outcomes;
}
