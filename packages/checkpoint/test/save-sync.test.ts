import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@holdfast/core";
import { createSeal, type Seal } from "@holdfast/core/seal";
import { runToEnd } from "@holdfast/testing";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  type CheckpointEvents,
  type Checkpoints,
  createCheckpoints,
  memoryStore,
  type SyncCheckpoints,
} from "../src/index.ts";
import { type FileStore, fileStore } from "../src/stores/file.ts";
import { stateOf } from "./process-state.ts";

/** Node takes a while to start, the longer the busier the machine is. */
const CHILDREN = { timeout: 120_000 };
const child = (name: string): string => join(import.meta.dirname, "children", `${name}.ts`);
const AT = { savedAt: 1 };
const busy = expect.objectContaining({ code: "BUSY", message: expect.stringContaining("await that") });

let folder: string;
let store: FileStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  store = fileStore({ folder });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe("saveSync of a store of files", () => {
  it("has saved when it returns, as the first call and after others", async () => {
    expect(store.saveSync("a", "1", AT)).toMatchObject({ ok: true, entry: { version: 1 } });
    expect(store.readSync("a")?.data).toBe("1");
    await store.save("a", "2", AT);
    expect(store.saveSync("a", "3", AT)).toMatchObject({ ok: true, entry: { version: 3 } });
    expect(await fileStore({ folder }).read("a")).toMatchObject({ data: "3" });
  });

  it("is BUSY while the process itself changes the key, and only then", async () => {
    await store.save("a", "1", AT);
    const other = fileStore({ folder });
    await other.read("a");
    const saving = store.save("a", "2", AT);
    expect(() => store.saveSync("a", "3", AT)).toThrow(busy);
    expect(store.saveSync("b", "1", AT)).toMatchObject({ ok: true });
    expect(() => other.saveSync("a", "3", AT)).toThrow(busy);
    await saving;
    expect(store.saveSync("a", "3", AT)).toMatchObject({ ok: true, entry: { version: 3 } });
    await other.close();
  });

  it("is BUSY while the process itself opens the store", async () => {
    const reading = store.read("a");
    expect(() => store.saveSync("a", "1", AT)).toThrow(busy);
    await reading;
    expect(store.saveSync("a", "1", AT)).toMatchObject({ ok: true });
  });

  it("is BUSY in time where another process holds the key, whoever holds the clock", CHILDREN, async () => {
    const sleeper = spawn(process.execPath, [child("file-sleeper"), folder], { stdio: "inherit" });
    const ended = new Promise((resolve) => sleeper.on("exit", resolve));
    const one = fileStore({ folder, lockTimeout: "50ms", clock: createManualClock() });
    try {
      // Not before: it would sleep for good if it were woken while it is still awake.
      await expect.poll(() => stateOf(sleeper.pid), { timeout: 60_000 }).toBe("T");
      expect(outcomeOf(() => one.saveSync("a", "1", AT))).toMatch(new RegExp(`BUSY .*process ${sleeper.pid}`));
    } finally {
      sleeper.kill("SIGCONT");
    }
    expect(await ended).toBe(0);
    expect(one.saveSync("a", "2", AT)).toMatchObject({ ok: true });
    await one.close();
  });

  it("saves what a process has left to save when it exits", CHILDREN, async () => {
    await runToEnd(child("file-exit"), { args: [folder] });
    expect(await store.read("a")).toMatchObject({ data: "the last word" });
  });

  it("is TOO_LARGE and CLOSED as save is", async () => {
    const small = fileStore({ folder, maxBytes: 1 });
    expect(() => small.saveSync("a", "12", AT)).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
    await small.close();
    expect(() => small.saveSync("a", "1", AT)).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });
});

function outcomeOf(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return `${code} ${message}`;
  }
}

describe("saveSync of checkpoints", () => {
  const schema = z.object({ at: z.number() });

  it("is there where the store can do so, and nowhere else", () => {
    const over = createCheckpoints({ store, schema });
    expectTypeOf(over).toEqualTypeOf<SyncCheckpoints<{ at: number }>>();
    const memory = createCheckpoints({ store: memoryStore(), schema });
    expectTypeOf(memory).toEqualTypeOf<Checkpoints<{ at: number }>>();
    expect(memory).not.toHaveProperty("saveSync");
  });

  it("checks, versions, tells and refuses as save does", async () => {
    const told: [string, unknown][] = [];
    const note = (name: keyof CheckpointEvents) => (event: unknown) => void told.push([name, event]);
    const checkpoints = createCheckpoints({
      store,
      schema,
      history: 1,
      on: { saved: note("saved"), conflict: note("conflict") },
    });
    expect(checkpoints.saveSync("a", { at: 1 })).toBe(1);
    expect(checkpoints.saveSync("a", { at: 2 }, { ifVersion: 1 })).toBe(2);
    const code = (code: string) => expect.objectContaining({ code });
    expect(() => checkpoints.saveSync("a", { at: 3 }, { ifVersion: 1 })).toThrow(code("CONFLICT"));
    expect(() => checkpoints.saveSync("a", { at: "3" } as never)).toThrow(code("INVALID_VALUE"));
    expect(() => checkpoints.saveSync("", { at: 3 })).toThrow(code("INVALID_KEY"));
    expect(told.map(([name]) => name)).toEqual(["saved", "saved", "conflict"]);
    expect((await checkpoints.versions("a")).map(({ value }) => value.at)).toEqual([2, 1]);
    await checkpoints.withLease("a", async (lease) => {
      expect(checkpoints.saveSync("a", { at: 4 }, { lease })).toBe(3);
      expect(() => checkpoints.saveSync("a", { at: 5 }, { lease: { fence: 7 } })).toThrow(code("STALE_LEASE"));
    });
  });

  it("never goes back where values have an order", () => {
    const checkpoints = createCheckpoints({ store, schema, order: (a, b) => a.at - b.at });
    checkpoints.saveSync("a", { at: 5 });
    expect(() => checkpoints.saveSync("a", { at: 4 })).toThrow(expect.objectContaining({ code: "WENT_BACK" }));
    expect(checkpoints.saveSync("a", { at: 6 })).toBe(2);
  });

  it("refuses a schema that validates by a promise, which save takes", async () => {
    const slow = schema.refine(async () => true);
    const checkpoints = createCheckpoints({ store, schema: slow });
    expect(() => checkpoints.saveSync("a", { at: 1 })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("use save") }),
    );
    expect(await checkpoints.save("a", { at: 1 })).toBe(1);
  });

  it("refuses a seal that answers by a promise, as save does", async () => {
    const seal = { ...createSeal({ keys: [{ id: "k", key: randomBytes(32) }] }), seal: async () => "sealed" };
    const checkpoints = createCheckpoints({ store, schema, seal: seal as unknown as Seal });
    const refusal = expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("seal") });
    expect(() => checkpoints.saveSync("a", { at: 1 })).toThrow(refusal);
    await expect(checkpoints.save("a", { at: 1 })).rejects.toEqual(refusal);
  });
});
