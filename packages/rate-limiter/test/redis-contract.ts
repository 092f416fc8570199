// The stores' contract on a store over a connected client.

import { afterAll, beforeAll, it } from "vitest";
import { redisStore } from "../src/stores/redis.ts";
import { leasingStoreContract, rateLimitStoreContract } from "../src/testing.ts";
import { type Connect, type Connected, newPrefix } from "./redis-clients.ts";

/** One test for each sentence. `url` is asked when the servers have started. */
export function keepsTheContract(connect: Connect, url: () => string): void {
  let connected: Connected;
  beforeAll(async () => {
    connected = await connect(url());
  });
  afterAll(() => connected[Symbol.asyncDispose]());

  for (const [sentence, test] of Object.entries({ ...rateLimitStoreContract, ...leasingStoreContract })) {
    it(sentence, () =>
      test(async () => {
        let now = 0;
        const { client } = connected;
        const store = redisStore({ client, prefix: newPrefix(), time: { now: () => now } });
        return { store, setClock: (ms: number) => (now = ms), close: () => store.close() };
      }),
    );
  }
}
