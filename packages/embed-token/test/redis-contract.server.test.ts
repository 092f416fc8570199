import { serverUrl } from "@holdfast/testing";
import { describe, it } from "vitest";
import { redisTokenStore } from "../src/stores/redis.ts";
import { tokenStoreContract } from "../src/testing.ts";
import { connectors, newPrefix } from "./redis-clients.ts";

describe.each(connectors)("the Redis store keeps the contract on a client of %s: it", (_name, connect) => {
  for (const [sentence, test] of Object.entries(tokenStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const connected = await connect(serverUrl("redis"));
        const store = redisTokenStore({ client: connected.client, prefix: newPrefix() });
        return { store, close: async () => connected[Symbol.asyncDispose]() };
      }),
    );
  }
});
