// Against s3rver, which has objects, metadata and lists, and takes no notice of the conditions of a write.

import { serverUrl } from "@holdfast/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type S3Client, s3Store } from "../src/stores/s3.ts";
import { checkpointStoreContract } from "../src/testing.ts";
import { newClient } from "./s3-client.ts";

let client: ReturnType<typeof newClient>;
let bucket: string;
beforeAll(() => {
  client = newClient(serverUrl("s3rver"));
  bucket = new URL(serverUrl("s3rver")).pathname.slice(1);
});
afterAll(() => client.destroy());

let made = 0;
const newStore = (of: { client: S3Client; writers?: "one" }) =>
  s3Store({ bucket, prefix: `test/${process.pid}/${made++}/`, ...of });

describe("a server that takes no notice of conditions", () => {
  it("is refused for many writers, with what it did and what to do", async () => {
    const store = newStore({ client });
    await expect(store.save("a", "1", { savedAt: 1 })).rejects.toMatchObject({
      code: "STORE_UNFIT",
      message: expect.stringMatching(/answered 200 to a write under If-None-Match.*writers: "one"/),
    });
    expect(await store.read("a")).toBeUndefined();
  });
});

describe("the store on a server without conditional writes, for one writer", () => {
  // The promise is of one store: the other of the contract is that one, too.
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = newStore({ client, writers: "one" });
        return { store, other: store, close: () => store.close() };
      }),
    );
  }
});
