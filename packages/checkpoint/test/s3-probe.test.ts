import type { S3Deed, S3Request } from "@holdfast/testing";
import { describe, expect, it, vi } from "vitest";
import { first, newBucket, OBJECT, ONCE } from "./s3-builders.ts";

vi.setConfig({ testTimeout: 60_000 });

const AT = { savedAt: 1 };
const WRONG: Readonly<Record<string, readonly [deed: (request: S3Request) => S3Deed, said: string]>> = {
  "takes no notice of If-None-Match": [
    ({ ifNoneMatch }) => (ifNoneMatch === undefined ? "obey" : "write anyway"),
    "answered 200 to a write under If-None-Match: * where something was",
  ],
  "takes no notice of If-Match": [
    ({ ifMatch }) => (ifMatch === undefined ? "obey" : "write anyway"),
    "answered 200 to a write under If-Match with another ETag",
  ],
  "writes under If-Match where nothing was": [
    ({ ifMatch, isThere }) => (ifMatch === undefined || isThere ? "obey" : "write anyway"),
    "answered 200 to a write under If-Match where nothing was",
  ],
  "answers that it has no conditional writes": [
    ({ ifNoneMatch }) => (ifNoneMatch === undefined ? "obey" : { status: 501, code: "NotImplemented" }),
    "answered 501 to a write under If-None-Match: * where nothing was",
  ],
  "answers 304 in the place of 412": [
    ({ ifNoneMatch, isThere }) =>
      ifNoneMatch !== undefined && isThere ? { status: 304, code: "NotModified" } : "obey",
    "answered 304 to a write under If-None-Match: * where something was",
  ],
  "refuses whatever has If-Match": [
    ({ ifMatch }) => (ifMatch === undefined ? "obey" : { status: 412, code: "PreconditionFailed" }),
    "answered 412 to a write under If-Match with the ETag that stood",
  ],
};

describe("the probe", () => {
  it("is content with what is documented, and leaves nothing behind", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    expect(store.writers).toBe("many");
    await store.probe();
    expect(bucket.objects.size).toBe(0);
  });

  it.each(Object.entries(WRONG))("refuses a server that %s, and says so", async (_, [deed, said]) => {
    await using bucket = await newBucket();
    const store = bucket.newStore();
    bucket.probeDeed = deed;
    const refusal = { code: "STORE_UNFIT", message: expect.stringContaining(said) };
    await expect(store.probe()).rejects.toMatchObject(refusal);
    for (const change of [
      () => store.save("a", "1", AT),
      () => store.delete("a"),
      () => store.grant("a", "me", undefined),
      () => store.renew("a", 1),
      () => store.release("a", 1),
    ]) {
      await expect(change()).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('writers: "one"') });
    }
    expect(bucket.objects.size).toBe(0);
    expect(bucket.asked).toEqual([]);
  });

  it("refuses a server that says that it has not written, and has", async () => {
    await using bucket = await newBucket();
    bucket.probeDeed = ({ method, name, ifMatch, isThere }) => {
      if (method !== "PUT" || ifMatch === undefined || isThere) return "obey";
      bucket.objects.set(name, { bytes: Buffer.from("written"), etag: '"1"', metadata: {} });
      return { status: 412, code: "PreconditionFailed" };
    };
    await expect(bucket.newStore().probe()).rejects.toMatchObject({
      code: "STORE_UNFIT",
      message: expect.stringContaining("said that it had not"),
    });
  });

  it("takes 412 where nothing was as it takes 404", async () => {
    await using bucket = await newBucket();
    bucket.probeDeed = ({ ifMatch, isThere }) =>
      ifMatch === undefined || isThere ? "obey" : { status: 412, code: "PreconditionFailed" };
    await bucket.newStore().probe();
  });

  it("is made once, by the first change, however many come at once", async () => {
    await using bucket = await newBucket();
    const probes = new Set<string>();
    bucket.probeDeed = ({ name }) => {
      probes.add(name.replace("-missing", ""));
      return "obey";
    };
    const store = bucket.newStore();
    await store.read("a");
    await store.versions("a");
    for await (const _ of store.list(""));
    expect(probes.size).toBe(0);
    await Promise.all(["a", "b", "c"].map((key) => store.save(key, "1", AT)));
    await store.save("a", "2", AT);
    await store.probe();
    expect(probes.size).toBe(1);
  });

  it("is made anew where it could not be made", async () => {
    await using bucket = await newBucket();
    const store = bucket.newStore({}, ONCE);
    for (const refusal of [
      { status: 503, code: "SlowDown" },
      { status: 403, code: "AccessDenied" },
      { status: 404, code: "NoSuchBucket" },
    ]) {
      bucket.probeDeed = first(refusal);
      await expect(store.save("a", "1", AT)).rejects.toMatchObject({ code: "STORE_FAILED" });
    }
    expect(await store.save("a", "1", AT)).toMatchObject({ ok: true });
  });

  it("is not misled by an answer that is lost, nor by a write that is under way", async () => {
    await using bucket = await newBucket();
    bucket.probeDeed = first("lose the answer", "obey", { status: 409, code: "ConditionalRequestConflict" });
    await bucket.newStore({}, { maxAttempts: 3 }).probe();
  });

  it("is content where it may not remove what it wrote", async () => {
    await using bucket = await newBucket();
    bucket.probeDeed = ({ method }) => (method === "DELETE" ? { status: 403, code: "AccessDenied" } : "obey");
    const store = bucket.newStore();
    await store.save("a", "1", AT);
    const keys = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["a"]);
  });
});

describe("one writer, by the caller's promise", () => {
  it("is not probed for, writes under no condition, and can be asked for", async () => {
    await using bucket = await newBucket();
    const conditions: unknown[] = [];
    bucket.deed = ({ ifMatch, ifNoneMatch }) => {
      conditions.push(ifMatch, ifNoneMatch);
      return "obey";
    };
    bucket.probeDeed = () => ({ status: 501, code: "NotImplemented" });
    const store = bucket.newStore({ writers: "one" });
    expect(store.writers).toBe("one");
    await store.probe();
    expect(await store.save("a", "1", { ...AT, ifVersion: 0 })).toMatchObject({ ok: true });
    expect(await store.save("a", "no", { ...AT, ifVersion: 0 })).toMatchObject({ ok: false, entry: { version: 1 } });
    expect(new Set(conditions)).toEqual(new Set([undefined]));
    expect([...bucket.objects.keys()]).toEqual([OBJECT]);
  });

  it("can tell two that they saved one version, which is what it does not promise", async () => {
    await using bucket = await newBucket();
    const [store, other] = [bucket.newStore({ writers: "one" }), bucket.newStore({ writers: "one" })];
    let puts = 0;
    const { promise: bothHaveRead, resolve } = Promise.withResolvers<"obey">();
    bucket.deed = ({ method }) => {
      if (method !== "PUT") return "obey";
      if (++puts === 2) resolve("obey");
      return bothHaveRead;
    };
    const outcomes = await Promise.all([store, other].map((one) => one.save("a", "1", { ...AT, ifVersion: 0 })));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
  });
});
