// What all instances must agree on: which tokens were used, what was revoked, how often each caller asked.

import type { Clock } from "@holdfast/core";
import { memoryTokenStore, type TokenStore } from "@holdfast/embed-token";
import { redisTokenStore } from "@holdfast/embed-token/redis";
import { memoryStore, type RateLimitStore } from "@holdfast/rate-limiter";
import { redisStore } from "@holdfast/rate-limiter/redis";
import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Settings } from "./config.ts";

export interface SharedState {
  readonly tokens: TokenStore;
  readonly limits: RateLimitStore;
  close(): void;
}

export function openSharedState({ REDIS_URL }: Settings, logger: Logger, clock: Clock): SharedState {
  if (!REDIS_URL) {
    return { tokens: memoryTokenStore({ clock }), limits: memoryStore({ clock }), close() {} };
  }
  const client = new Redis(REDIS_URL.reveal());
  client.on("error", (error: Error) => logger.warn({ err: error }, "redis"));
  return {
    tokens: redisTokenStore({ client }),
    limits: redisStore({ client }),
    close: () => client.disconnect(),
  };
}
