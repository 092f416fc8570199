// Both client libraries, connected and told to come back quickly.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { RedisClient } from "../src/stores/redis.ts";

export interface Connected extends AsyncDisposable {
  readonly client: RedisClient;
}

export type Connect = (url: string) => Promise<Connected>;

const RECONNECT_MS = 20;
const ignore = (): void => {};

/** Each is called by the name of its package. */
export const connectors: readonly (readonly [string, Connect])[] = [
  [
    "ioredis",
    async (url) => {
      const client = new Redis(url, { retryStrategy: () => RECONNECT_MS });
      client.on("error", ignore);
      return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
    },
  ],
  [
    "redis",
    async (url) => {
      const client = createClient({ url, socket: { reconnectStrategy: () => RECONNECT_MS } });
      client.on("error", ignore);
      await client.connect();
      return { client, [Symbol.asyncDispose]: async () => client.destroy() };
    },
  ],
];

/** What nobody else's keys begin with. */
export const newPrefix = (): string => `${randomUUID()}:`;
