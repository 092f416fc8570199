// Failures counted by address and by key id, in somebody's limiter, and asked for before a store is.

import { type Logger, unlessAborted } from "@holdfast/core";
import { addressPrefix, parseAddress } from "@holdfast/core/http";

/** What is needed of a rate limiter. One of `@holdfast/rate-limiter` fits. */
export interface FailureLimiter {
  /** How a key stands. Takes nothing. */
  peek(key: string): Promise<LimiterDecision>;
  /** Takes one. */
  consume(key: string): Promise<LimiterDecision>;
}

export interface LimiterDecision {
  readonly allowed: boolean;
  /** What is left to take. */
  readonly remaining: number;
  readonly retryAfterMs: number;
}

export interface Failures {
  /** Milliseconds for which address and id are shut out; 0 where they are not. */
  shutOutMs(address: string | undefined, id: string | undefined, signal: AbortSignal | undefined): Promise<number>;
  /** Counts one, and is not waited for. */
  count(address: string | undefined, id: string | undefined): void;
}

/** A limiter that fails shuts nobody out: a key can't be guessed in any number of tries, and the store has limits of its own. */
export function createFailures(limiter: FailureLimiter, logger: Logger): Failures {
  const lenient = async <T>(act: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      logger.warn({ error }, "The limiter of failed API keys does not answer; nobody is shut out");
      return otherwise;
    }
  };
  const shutOut = async (subject: string): Promise<number> => {
    const state = await limiter.peek(subject);
    if (state.allowed && state.remaining >= 1) return 0;
    // Asking once more tells how long, and counts against who goes on where the limiter has a penalty.
    const { allowed, retryAfterMs } = await limiter.consume(subject);
    return allowed ? 0 : Math.max(1, retryAfterMs);
  };
  return {
    async shutOutMs(address, id, signal) {
      const asked = subjects(address, id).map((subject) => lenient(() => shutOut(subject), 0));
      return Math.max(0, ...(await unlessAborted(Promise.all(asked), signal)));
    },
    count(address, id) {
      for (const subject of subjects(address, id)) void lenient<unknown>(() => limiter.consume(subject), undefined);
    },
  };
}

function subjects(address: string | undefined, id: string | undefined): string[] {
  return [
    ...(address === undefined ? [] : [`address ${network(address)}`]),
    ...(id === undefined ? [] : [`key ${id}`]),
  ];
}

/** An IPv6 client has a whole network to come from, and counts as one. */
function network(address: string): string {
  const parsed = parseAddress(address);
  return parsed === undefined ? address : addressPrefix(parsed);
}
