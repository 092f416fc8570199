// Core's runner of scripts, with this package's error for a client that is none.

import { type RedisClient, type RunScript, scriptRunner as runnerOf } from "@holdfast/core/redis";
import { RateLimiterError } from "../errors.ts";

/** @throws RateLimiterError `INVALID_OPTION` */
export function scriptRunner(client: RedisClient): RunScript {
  try {
    return runnerOf(client);
  } catch (cause) {
    throw new RateLimiterError(
      "INVALID_OPTION",
      "client is not a Redis client that this store knows; give it one of ioredis (5 or later) or redis (5 or later)",
      { cause },
    );
  }
}
