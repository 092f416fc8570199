// Several streams at once, but not too many.

import { type Clock, type Duration, systemClock } from "@holdfast/core";
import { CheckpointError } from "../errors.ts";
import { startDeadline } from "./deadline.ts";

export interface StreamsOptions {
  /** How many run at a time. Default 4. */
  readonly limit?: number | undefined;
  /** Ends all at once, and begins no more. */
  readonly signal?: AbortSignal | undefined;
  /** Lets those that run finish their page, and begins no more. */
  readonly stop?: AbortSignal | undefined;
  /** Stops them in the same way when all together have taken so long. Default: none. */
  readonly deadline?: Duration | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
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
  { limit = 4, signal, deadline, clock = systemClock, ...given }: StreamsOptions = {},
): Promise<ReadonlyMap<string, PromiseSettledResult<T>>> {
  if (!(Number.isInteger(limit) && limit >= 1)) {
    throw new CheckpointError("INVALID_OPTION", `limit is ${limit}; give a whole number from 1`);
  }
  const { stop, end } = startDeadline(given.stop, deadline, clock);
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
  await Promise.all(Array.from({ length: limit }, work)).finally(end);
  return outcomes;
}
