// Against a loopback server of our own, which is not S3 but speaks its conditional writes; s3.server.test.ts is of a server of others.

import { systemClock } from "@holdfast/core";
import { describe, expect, it, vi } from "vitest";
import { checkpointStoreContract } from "../src/testing.ts";
import { type Bucket, first, newBucket, OBJECT, ONCE } from "./s3-builders.ts";

// Hundreds of requests by the SDK, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const AT = { savedAt: 1 };

describe("the store in S3", () => {
  for (const [sentence, test] of Object.entries(checkpointStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const bucket = await newBucket({ pageSize: 100 });
        return {
          store: bucket.newStore(),
          other: bucket.newStore(),
          close: async () => bucket[Symbol.asyncDispose](),
        };
      }),
    );
  }

  it("has an object a key, which begins with a line for people", async () => {
    await using bucket = await newBucket();
    await bucket.newStore().save("a", "1", AT);
    expect([...bucket.objects.keys()]).toEqual([OBJECT]);
    expect(bucket.objects.get(OBJECT)?.bytes.toString()).toMatch(/^holdfast-checkpoint 1 \d+ [0-9a-f]{64}\n\{/);
  });

  it("reads and writes once for a change, and reads once to be read", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("a", "1", AT);
    await store.read("a");
    expect(bucket.asked).toEqual(["GET k-a.checkpoint", "PUT k-a.checkpoint", "GET k-a.checkpoint"]);
  });

  it("leaves alone what is not its own under the prefix, and does not list it", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("a", "1", AT);
    const theirs = { bytes: Buffer.from("theirs"), etag: '"1"', metadata: {} };
    for (const name of ["README", "k-A.checkpoint", "h-0.checkpoint"]) bucket.objects.set(`of/tests/${name}`, theirs);
    const keys = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["a"]);
    expect(bucket.objects.size).toBe(4);
  });

  it("refuses data above maxBytes, counted in UTF-8", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore({ maxBytes: 4 });
    await store.save("a", "éé", AT);
    await expect(store.save("a", "ééé", AT)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("is refused a prefix that leaves no room for names", async () => {
    await using bucket = await newBucket();
    for (const prefix of ["p".repeat(901), "é".repeat(451), "\ud800"]) {
      expect(() => bucket.newStore({ prefix })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    }
  });

  it("lets go at once of a server that does not answer, and goes on when it does", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("a", "1", AT);
    const { promise: answering, resolve: answer } = Promise.withResolvers<"obey">();
    bucket.deed = () => answering;
    const abort = new AbortController();
    const save = store.save("a", "2", AT, { signal: abort.signal });
    const waiting = store.save("a", "3", AT, { signal: abort.signal });
    const read = store.read("a", { signal: abort.signal });
    const reason = new Error("given up");
    abort.abort(reason);
    for (const call of [save, waiting, read]) await expect(call).rejects.toBe(reason);
    answer("obey");
    expect((await store.read("a"))?.data).toBe("1");
  });
});

describe("an object", () => {
  /** All that can be asked of a store about `a`. */
  const asks = (bucket: Bucket): Record<string, () => Promise<unknown>> => {
    const store = bucket.newStore({}, ONCE);
    return {
      read: () => store.read("a"),
      save: () => store.save("a", "new", AT),
      delete: () => store.delete("a"),
      grant: () => store.grant("a", "me", { fence: 0, beat: 0 }),
      renew: () => store.renew("a", 0),
      release: () => store.release("a", 0),
      versions: () => store.versions("a"),
      list: async () => {
        for await (const _ of store.list(""));
      },
    };
  };

  async function spoilt(bytes: (good: Buffer) => Buffer): Promise<Bucket> {
    const bucket = await newBucket();
    await bucket.newStore().save("a", "old", AT);
    spoil(bucket, bytes);
    return bucket;
  }

  function spoil({ objects }: Bucket, bytes: (good: Buffer) => Buffer): void {
    const object = objects.get(OBJECT)!;
    objects.set(OBJECT, { ...object, bytes: bytes(object.bytes) });
  }

  it("that is torn, at whatever byte, is CORRUPT, and never nothing", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("a", "old", AT);
    const { length } = bucket.objects.get(OBJECT)!.bytes;
    for (let bytes = length - 1; bytes >= 0; bytes--) {
      spoil(bucket, (good) => good.subarray(0, bytes));
      await expect(store.read("a")).rejects.toMatchObject({
        code: "CORRUPT",
        message: expect.stringContaining(`s3://checkpoints/${OBJECT}`),
      });
    }
  });

  it.each([
    ["that is not ours", "CORRUPT", () => Buffer.from("theirs")],
    ["of a later version of this package", "NEWER_VERSION", () => Buffer.from("holdfast-checkpoint 2 {}\n")],
  ])("%s is refused as %s by all that is asked, and stays as it is", async (_, code, bytes) => {
    await using bucket = await spoilt(bytes);
    for (const [name, ask] of Object.entries(asks(bucket))) await expect(ask(), name).rejects.toMatchObject({ code });
    expect(bucket.objects.get(OBJECT)?.bytes).toEqual(bytes());
  });

  it("of another key is CORRUPT", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("b", "1", AT);
    bucket.objects.set(OBJECT, bucket.objects.get(OBJECT.replace("k-a", "k-b"))!);
    await expect(store.read("a")).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it.each([
    [403, "AccessDenied", /s3:\/\/checkpoints\/of\/tests\/.*AccessDenied.*list the bucket/],
    [404, "NoSuchBucket", /make the bucket/],
    [404, "NotFound", /NotFound/],
    [503, "SlowDown", /SlowDown/],
  ])("that S3 does not give for %s %s is STORE_FAILED, and never nothing", async (status, code, message) => {
    await using bucket = await newBucket();
    bucket.deed = () => ({ status, code });
    for (const [name, ask] of Object.entries(asks(bucket)))
      await expect(ask(), name).rejects.toMatchObject({
        code: "STORE_FAILED",
        message: expect.stringMatching(message),
      });
  });

  it("whose transfer ends in the middle is STORE_FAILED, and not taken for a torn one", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    await store.save("a", "old", AT);
    bucket.deed = () => "cut the answer";
    await expect(store.read("a")).rejects.toMatchObject({ code: "STORE_FAILED" });
    bucket.deed = () => "obey";
    expect((await store.read("a"))?.data).toBe("old");
  });

  it("that somebody removes between our reading and writing is gone, and what follows is decided by that", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    const removeOnce = () => {
      bucket.deed = ({ method, name }) => {
        if (method === "PUT") {
          bucket.objects.delete(name);
          bucket.deed = () => "obey";
        }
        return "obey";
      };
    };
    for (const data of ["1", "2"]) await store.save("a", data, AT);
    removeOnce();
    expect(await store.save("a", "3", { ...AT, ifVersion: 2 })).toEqual({ ok: false, entry: undefined });
    for (const data of ["1", "2"]) await store.save("a", data, AT);
    removeOnce();
    expect(await store.save("a", "new", AT)).toMatchObject({ ok: true, entry: { version: 1, data: "new" } });
  });
});

describe("a write of which no answer comes", () => {
  it.each([
    ["is repeated by the client", 3, 2],
    ["is not repeated", 1, 1],
  ])("and that %s is not taken for another's", async (_, maxAttempts, puts) => {
    await using bucket = await newBucket();
    const store = bucket.newStore({}, { maxAttempts });
    bucket.deed = first("lose the answer");
    expect(await store.save("a", "1", { ...AT, ifVersion: 0 })).toMatchObject({ ok: true, entry: { version: 1 } });
    expect(bucket.asked.filter((asked) => asked.startsWith("PUT"))).toHaveLength(puts);
    bucket.deed = first("lose the answer");
    expect(await store.save("a", "2", { ...AT, ifVersion: 1 })).toMatchObject({ ok: true, entry: { version: 2 } });
    expect(await store.read("a")).toMatchObject({ version: 2, data: "2" });
  });

  it("and that is repeated when others have written after it is not taken for theirs", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore({}, { maxAttempts: 3 });
    const others = Array.from({ length: 5 }, () => bucket.newStore());
    const { fence = 0 } = (await store.grant("a", "me", undefined)).entry ?? {};
    let puts = 0;
    bucket.deed = async ({ method }) => {
      if (method !== "PUT") return "obey";
      if (++puts === 1) return "lose the answer";
      if (puts === 2) for (const other of others) for (let beat = 0; beat < 5; beat++) await other.renew("a", fence);
      return "obey";
    };
    expect(await store.save("a", "1", { ...AT, ifVersion: 0, fence })).toMatchObject({ ok: true });
    expect(await store.read("a")).toMatchObject({ version: 1, data: "1", beat: 26 });
  });

  it("is another's where another has written the same", async () => {
    await using bucket = await newBucket();
    const [store, other] = [bucket.newStore({}, { maxAttempts: 3 }), bucket.newStore()];
    let puts = 0;
    bucket.deed = async ({ method }) => {
      if (method !== "PUT" || ++puts > 1) return "obey";
      await other.save("a", "same", { ...AT, ifVersion: 0 });
      return "lose the answer";
    };
    expect(await store.save("a", "same", { ...AT, ifVersion: 0 })).toMatchObject({ ok: false, entry: { version: 1 } });
  });

  it("and that was not done is STORE_FAILED, with nothing changed", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore({}, ONCE);
    bucket.deed = first({ status: 503, code: "SlowDown" });
    await expect(store.save("a", "1", AT)).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(await store.read("a")).toBeUndefined();
  });
});

describe("a write while another is under way", () => {
  const CONFLICT = { status: 409, code: "ConditionalRequestConflict" };

  it("is tried again, after a while by chance, which is longer each time and half a second at the most", async () => {
    await using bucket = await newBucket();
    const pauses: number[] = [];
    const schedule = (callback: () => void, delayMs: number) => {
      pauses.push(delayMs);
      return systemClock.schedule(callback, 0);
    };
    const store = bucket.newStore({ random: () => 0.5, clock: { ...systemClock, schedule }, contentionTimeout: "60s" });
    bucket.deed = first(...Array.from({ length: 8 }, () => CONFLICT));
    expect(await store.save("a", "1", { ...AT, ifVersion: 0 })).toMatchObject({ ok: true });
    expect(bucket.asked.filter((asked) => asked.startsWith("PUT"))).toHaveLength(9);
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 250, 250]);
  });

  it("is BUSY when that has gone on for contentionTimeout", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore({ random: () => 0, contentionTimeout: "50ms" });
    bucket.deed = ({ method }) => (method === "PUT" ? CONFLICT : "obey");
    await expect(store.save("a", "1", AT)).rejects.toMatchObject({ code: "BUSY" });
    expect(await store.read("a")).toBeUndefined();
  });
});
