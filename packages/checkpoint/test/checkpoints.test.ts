import { createManualClock } from "@holdfast/core";
import { createSeal } from "@holdfast/core/seal";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { type CheckpointEvents, type CheckpointsOptions, createCheckpoints, memoryStore } from "../src/index.ts";

const NOW = 1_800_000_000_000;
const cursor = z.strictObject({ cursor: z.string(), seen: z.number() });
type Cursor = z.infer<typeof cursor>;

function setUp(options: Partial<CheckpointsOptions<Cursor>> = {}) {
  const store = options.store ?? memoryStore();
  const clock = createManualClock(NOW);
  const told: [string, unknown][] = [];
  const on = Object.fromEntries(
    ["saved", "recovered", "conflict", "lease"].map((name) => [
      name,
      (event: unknown) => void told.push([name, event]),
    ]),
  ) as { [Name in keyof CheckpointEvents]: (event: CheckpointEvents[Name]) => void };
  const checkpoints = createCheckpoints<Cursor>({ schema: cursor, clock, on, ...options, store });
  return { checkpoints, store, clock, told };
}

const at = (text: string, seen = 0): Cursor => ({ cursor: text, seen });

describe("checkpoints", () => {
  it("load what was saved, with its version", async () => {
    const { checkpoints, told } = setUp();
    expect(await checkpoints.load("orders")).toBeUndefined();
    expect(await checkpoints.save("orders", at("a"))).toBe(1);
    const loaded = await checkpoints.load("orders");
    expect(loaded).toEqual({ value: at("a"), version: 1, savedAt: new Date(NOW) });
    expectTypeOf(loaded).toEqualTypeOf<
      | { readonly value: Cursor; readonly version: number; readonly savedAt: Date; readonly recoveredFrom?: number }
      | undefined
    >();
    expect(told).toMatchObject([["saved", { key: "orders", version: 1 }]]);
  });

  it("refuse a stale writer, and name the version that stands", async () => {
    const { checkpoints, told } = setUp();
    await checkpoints.save("orders", at("a"), { ifVersion: 0 });
    await checkpoints.save("orders", at("b"), { ifVersion: 1 });
    const error = { code: "CONFLICT", currentVersion: 2, message: expect.stringContaining("version 2 stands") };
    await expect(checkpoints.save("orders", at("c"), { ifVersion: 1 })).rejects.toMatchObject(error);
    await expect(checkpoints.save("orders", at("c"), { ifVersion: 0 })).rejects.toMatchObject(error);
    await expect(checkpoints.delete("orders", { ifVersion: 1 })).rejects.toMatchObject(error);
    expect((await checkpoints.load("orders"))?.value).toEqual(at("b"));
    expect(told.at(-1)).toEqual(["conflict", { key: "orders", code: "CONFLICT", currentVersion: 2 }]);
  });

  it("check values on their way in and out, and say what is wrong with no value in it", async () => {
    const { checkpoints, store } = setUp();
    const wrong = { cursor: 7, seen: "hunter2" } as unknown as Cursor;
    const refusal = await checkpoints.save("orders", wrong).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "INVALID_VALUE", message: expect.stringContaining("cursor: ") });
    expect(String(refusal)).not.toContain("hunter2");
    await store.save("orders", '{"form":1,"schema":1,"value":{"cursor":"a"}}', { savedAt: NOW });
    await expect(checkpoints.load("orders")).rejects.toMatchObject({
      code: "INVALID_VALUE",
      message: expect.stringContaining("seen: "),
    });
  });

  it("save what can be loaded and nothing else", async () => {
    const { store } = setUp();
    const dates = createCheckpoints({ store, schema: z.object({ at: z.coerce.date() }) });
    await dates.save("a", { at: new Date(NOW) });
    expect((await dates.load("a"))?.value).toEqual({ at: new Date(NOW) });
    const anything = createCheckpoints({ store });
    const loop: unknown[] = [];
    loop.push(loop);
    for (const value of [undefined, () => {}, 1n, loop]) {
      await expect(anything.save("b", value)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    }
    await anything.save("b", null);
    expect(await anything.load("b")).toMatchObject({ value: null });
  });

  it("bound the size of a value, and tell before it hurts", async () => {
    const warnings: unknown[] = [];
    const logger = {
      trace() {},
      debug() {},
      info() {},
      error() {},
      warn: (fields: object) => void warnings.push(fields),
    };
    const { checkpoints } = setUp({ maxBytes: 1000, logger });
    await checkpoints.save("orders", at("x".repeat(700)));
    expect(warnings).toEqual([]);
    await checkpoints.save("orders", at("x".repeat(850)));
    expect(warnings).toMatchObject([{ key: "orders", maxBytes: 1000 }]);
    await expect(checkpoints.save("orders", at("x".repeat(1000)))).rejects.toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("maxBytes"),
    });
    expect((await checkpoints.load("orders"))?.version).toBe(2);
  });

  it("never take what they can't read for nothing", async () => {
    const { checkpoints, store } = setUp();
    const whole = '{"form":1,"schema":1,"value":{"cursor":"a","seen":0}}';
    for (let length = 0; length < whole.length; length++) {
      await store.save("orders", whole.slice(0, length), { savedAt: NOW });
      await expect(checkpoints.load("orders"), whole.slice(0, length)).rejects.toMatchObject({ code: "CORRUPT" });
    }
    for (const text of [
      "null",
      "[]",
      "7",
      '"x"',
      "{}",
      '{"form":"1","schema":1,"value":{}}',
      '{"form":1,"schema":1}',
    ]) {
      await store.save("orders", text, { savedAt: NOW });
      await expect(checkpoints.load("orders"), text).rejects.toMatchObject({ code: "CORRUPT" });
    }
  });

  it("give the last good version in the place of one that can't be read, and tell", async () => {
    const { checkpoints, store, told } = setUp({ history: 5 });
    await checkpoints.save("orders", at("a"));
    await checkpoints.save("orders", at("b"));
    await store.save("orders", "torn", { savedAt: NOW, keep: 5 });
    expect(await checkpoints.load("orders")).toMatchObject({ value: at("b"), version: 3, recoveredFrom: 2 });
    expect(told.at(-1)).toMatchObject(["recovered", { key: "orders", version: 2 }]);
    expect(await checkpoints.save("orders", at("c"), { ifVersion: 3 })).toBe(4);
  });

  it("bring old values up to date, one step after the other", async () => {
    const { store } = setUp();
    await createCheckpoints({ store }).save("orders", { since: 7 });
    const migrate = {
      1: (old: { since: number }) => ({ cursor: String(old.since) }),
      2: (old: { cursor: string }) => ({ ...old, seen: 0 }),
    };
    const { checkpoints } = setUp({ store, schemaVersion: 3, migrate });
    expect((await checkpoints.load("orders"))?.value).toEqual(at("7"));
    const gap = setUp({ store, schemaVersion: 3, migrate: { 2: migrate[2] } });
    await expect(gap.checkpoints.load("orders")).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining("version 1"),
    });
    const failing = () => {
      throw new Error("no");
    };
    const broken = setUp({ store, schemaVersion: 2, migrate: { 1: failing } });
    await expect(broken.checkpoints.load("orders")).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      cause: new Error("no"),
    });
    await checkpoints.save("orders", at("8"));
    const older = setUp({ store });
    await expect(older.checkpoints.load("orders")).rejects.toMatchObject({
      code: "NEWER_VERSION",
      message: expect.stringContaining("update it"),
    });
  });

  it("refuse the form of a later version of this package", async () => {
    const { checkpoints, store } = setUp();
    await store.save("orders", '{"form":2,"schema":1,"value":{}}', { savedAt: NOW });
    await expect(checkpoints.load("orders")).rejects.toMatchObject({ code: "NEWER_VERSION" });
  });

  it("never go back where values have an order, but by rewind, which says why", async () => {
    const order = (a: Cursor, b: Cursor): number => a.seen - b.seen;
    const { checkpoints, told } = setUp({ order, history: 3 });
    await checkpoints.save("orders", at("a", 5));
    await checkpoints.save("orders", at("b", 5));
    await expect(checkpoints.save("orders", at("c", 4))).rejects.toMatchObject({
      code: "WENT_BACK",
      currentVersion: 2,
    });
    await expect(checkpoints.save("orders", at("c", 4), { ifVersion: 2 })).rejects.toMatchObject({ code: "WENT_BACK" });
    expect(told.at(-1)).toMatchObject(["conflict", { code: "WENT_BACK" }]);
    await expect(checkpoints.rewind("orders", at("c", 4), { reason: "" })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await checkpoints.rewind("orders", at("c", 4), { reason: "the feed was wrong" });
    expect((await checkpoints.versions("orders")).map(({ reason, value }) => [value.seen, reason])).toEqual([
      [4, "the feed was wrong"],
      [5, undefined],
      [5, undefined],
    ]);
  });

  it("hold the order among many writers at once", async () => {
    const order = (a: Cursor, b: Cursor): number => a.seen - b.seen;
    const { checkpoints } = setUp({ order, history: 100 });
    const saves = Array.from({ length: 15 }, (_, index) => checkpoints.save("orders", at("x", (index * 7) % 15)));
    await Promise.allSettled(saves);
    const seen = (await checkpoints.versions("orders")).map(({ value }) => value.seen);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    expect(seen[0]).toBe(14);
  });

  it("keep earlier versions, and roll back to one of them", async () => {
    const { checkpoints } = setUp({ history: 2 });
    for (const text of ["a", "b", "c", "d"]) await checkpoints.save("orders", at(text));
    expect((await checkpoints.versions("orders")).map(({ value }) => value.cursor)).toEqual(["d", "c", "b"]);
    expect(await checkpoints.rollback("orders", 2, { reason: "d was a mistake" })).toBe(5);
    expect((await checkpoints.load("orders"))?.value).toEqual(at("b"));
    expect((await checkpoints.versions("orders"))[0]?.reason).toBe("to version 2: d was a mistake");
    await expect(checkpoints.rollback("orders", 1, { reason: "x" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("encrypt values, each for its own key, under rotating keys", async () => {
    const store = memoryStore();
    const key = (id: string) => ({
      id,
      key: Buffer.from(id.repeat(32).slice(0, 31).concat("x")).toString("base64url"),
    });
    const old = setUp({ store, seal: createSeal({ keys: [key("k1")] }) });
    await old.checkpoints.save("orders", at("a secret place"));
    expect((await store.read("orders"))?.data).not.toContain("secret");
    const both = setUp({ store, seal: createSeal({ keys: [key("k2"), key("k1")] }) });
    expect((await both.checkpoints.load("orders"))?.value).toEqual(at("a secret place"));
    await store.save("others", (await store.read("orders"))?.data ?? "", { savedAt: NOW });
    await expect(both.checkpoints.load("others")).rejects.toMatchObject({ code: "NOT_AUTHENTIC" });
    await expect(setUp({ store }).checkpoints.load("orders")).rejects.toMatchObject({
      code: "NOT_AUTHENTIC",
      message: expect.stringContaining("give the seal"),
    });
  });

  it("list by prefix, and delete", async () => {
    const { checkpoints } = setUp();
    for (const key of ["x:b", "x:a", "fb:page"]) await checkpoints.save(key, at("a"));
    const keys: string[] = [];
    for await (const { key } of checkpoints.list("x:")) keys.push(key);
    expect(keys).toEqual(["x:a", "x:b"]);
    expect(await checkpoints.delete("x:a")).toBe(true);
    expect(await checkpoints.delete("x:a")).toBe(false);
    expect(await checkpoints.load("x:a")).toBeUndefined();
    expect(await checkpoints.save("x:a", at("new"), { ifVersion: 0 })).toBe(3);
  });

  it.each(["", "\ud800", "k".repeat(1025), "é".repeat(513), 7 as unknown as string])(
    "refuse %j as a key",
    async (key) => {
      const { checkpoints } = setUp();
      for (const ask of [
        () => checkpoints.load(key),
        () => checkpoints.save(key, at("a")),
        () => checkpoints.versions(key),
      ]) {
        await expect(ask()).rejects.toMatchObject({ code: "INVALID_KEY" });
      }
    },
  );

  it.each([{ history: -1 }, { history: 1.5 }, { history: 1001 }, { schemaVersion: 0 }, { maxBytes: 0 }])(
    "refuse %j",
    (options) => {
      expect(() => setUp(options)).toThrow(/give a whole number/);
    },
  );
});
