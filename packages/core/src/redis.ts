// Scripts in Redis through the user's own client, whichever of the two popular ones it is.

import { createHash } from "node:crypto";
import { HoldfastError } from "@holdfast/core";

/** What `scriptRunner` throws. */
export type RedisErrorCode = "INVALID_CLIENT";

/** What is used of a `Redis` or `Cluster` of ioredis. */
export interface IoredisClient {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(text: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** What is used of what `createClient`, `createClientPool`, `createCluster` and `createSentinel` of redis make. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export type RedisClient = IoredisClient | NodeRedisClient;

export interface RedisScript {
  readonly text: string;
  /** By which Redis knows the text once it has seen it. */
  readonly sha: string;
}

export function redisScript(text: string): RedisScript {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Runs a script by its digest, or by its text where the server doesn't know that: at first, and after a restart, flush or failover. */
export type RunScript = (script: RedisScript, keys: string[], args: string[]) => Promise<unknown>;

/** @throws HoldfastError `INVALID_CLIENT` */
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
  throw new HoldfastError<RedisErrorCode>(
    "INVALID_CLIENT",
    "client is no Redis client that is known here; give one of ioredis (5 or later) or redis (5 or later)",
  );
}

/** Whether the server said, by one of these codes, that it did not run the script. */
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
