// How a script is run through the user's own client, whichever of the two it is.

import { RateLimiterError } from "../errors.ts";
import type { RedisScript } from "./redis-scripts.ts";

/** What this store uses of a `Redis` or `Cluster` of ioredis. */
export interface IoredisClient {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(text: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** What this store uses of what `createClient`, `createClientPool`, `createCluster` and `createSentinel` of redis make. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export type RedisClient = IoredisClient | NodeRedisClient;

/** Runs a script by its digest, or by its text where the server doesn't know that: at first, and after a restart, flush or failover. */
export type RunScript = (script: RedisScript, keys: string[], args: string[]) => Promise<unknown>;

/** @throws RateLimiterError `INVALID_OPTION` */
export function scriptRunner(client: RedisClient): RunScript {
  if (isNodeRedis(client)) {
    return withRetry(
      ({ sha }, keys, args) => client.evalSha(sha, { keys, arguments: args }),
      ({ text }, keys, args) => client.eval(text, { keys, arguments: args }),
    );
  }
  if (isIoredis(client)) {
    return withRetry(
      ({ sha }, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
      ({ text }, keys, args) => client.eval(text, keys.length, ...keys, ...args),
    );
  }
  throw new RateLimiterError(
    "INVALID_OPTION",
    "client is not a Redis client that this store knows; give it one of ioredis (5 or later) or redis (5 or later)",
  );
}

/** Whether the server said that it did not run the script, and would if asked in another way. */
export function isErrorReply(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.some((code) => error.message.startsWith(code));
}

// Not an async function, which would take two promises more of every call.
function withRetry(runDigest: RunScript, runText: RunScript): RunScript {
  return (script, keys, args) =>
    runDigest(script, keys, args).catch((error: unknown) => {
      // TRYAGAIN comes from a node that is just moving the keys' slot.
      if (isErrorReply(error, "NOSCRIPT", "TRYAGAIN")) return runText(script, keys, args);
      throw error;
    });
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return hasMethods(client, "evalSha", "eval");
}

// Versions of redis before 4 have an `evalsha` too, which answers by callback; but no `pipeline`.
function isIoredis(client: RedisClient): client is IoredisClient {
  return hasMethods(client, "evalsha", "eval", "pipeline");
}

function hasMethods(client: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (client as Record<string, unknown> | undefined)?.[name] === "function");
}
