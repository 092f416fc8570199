// @holdfast/rate-limiter: in memory, on Redis and Postgres, and in front of a route.

import type { Bench } from "./harness.ts";
import { expressRows } from "./rate-limiter/express.ts";
import { memoryRows } from "./rate-limiter/memory.ts";
import { postgresRows } from "./rate-limiter/postgres.ts";
import { redisRows } from "./rate-limiter/redis.ts";

export const bench: Bench = {
  name: "rate-limiter",
  async run() {
    return [...(await memoryRows()), ...(await expressRows()), ...(await redisRows()), ...(await postgresRows())];
  },
};
