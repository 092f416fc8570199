// The limit on echo requests: buckets in this process, or in a Redis that all instances share.

import type { Clock } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import { createRateLimiter, memoryStore, type RateLimiter } from "@holdfast/rate-limiter";
import { limiterMetrics } from "@holdfast/rate-limiter/metrics";
import { redisStore } from "@holdfast/rate-limiter/redis";
import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Settings } from "./config.ts";

export interface EchoLimiterOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
}

export interface EchoLimiter {
  readonly limiter: RateLimiter;
  /** Lets go of Redis. */
  close(): Promise<void>;
}

// ioredis waits up to 2 s before it tries again; instances should be back sooner than that after a restart.
const LONGEST_RECONNECT_MS = 500;

/** Works with Redis, without, and while it is away: then each instance limits by its share. */
export function createEchoLimiter({ config, logger, meter, clock }: EchoLimiterOptions): EchoLimiter {
  const redis = config.RATE_LIMIT_REDIS_URL && connect(config.RATE_LIMIT_REDIS_URL.reveal(), logger);
  const metrics = limiterMetrics(meter);
  const limiter = createRateLimiter({
    name: "echo",
    rules: config.RATE_LIMIT,
    dryRun: config.RATE_LIMIT_DRY_RUN,
    store: redis ? redisStore({ client: redis }) : memoryStore({ clock }),
    whenStoreFails: { mode: "fallback", instances: config.INSTANCES },
    on: {
      decision: metrics.decision,
      store(event) {
        metrics.store?.(event);
        const { state, reason, error } = event;
        if (state === "up") logger.info("rate limits are shared again");
        else logger.warn({ reason, err: error }, "Redis is away: this instance limits by its share");
      },
    },
    clock,
  });
  return {
    limiter,
    async close() {
      await limiter.close();
      redis?.disconnect();
    },
  };
}

function connect(url: string, logger: Logger): Redis {
  const redis = new Redis(url, { retryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_RECONNECT_MS) });
  // Each attempt to connect again fails with one; what matters is logged by the limiter.
  redis.on("error", (error: Error) => logger.debug({ err: error }, "redis"));
  return redis;
}
