import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncShared } from "../src/file/shared-sync.ts";
import { replaceDiskCalls } from "./children/disk-calls.ts";

let folder: string;
let handles: number[];
/** What ends each sync that has begun, in their order. */
let syncs: { readonly handle: number; end(error?: Error): void }[];
let restore: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-sync-"));
  handles = Array.from({ length: 4 }, () => openSync(folder, "r"));
  syncs = [];
  restore = replaceDiskCalls(["fsync"], (_call, _name, [handle, done]) => {
    syncs.push({ handle: handle as number, end: (error) => (done as (error: Error | null) => void)(error ?? null) });
  });
});
afterEach(async () => {
  restore();
  for (const handle of handles) closeSync(handle);
  await rm(folder, { recursive: true });
});

/** Lets promises settle that wait for nothing. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function ask(handle: number): { readonly settled: Promise<unknown>; outcome: string } {
  const asked = { settled: Promise.resolve() as Promise<unknown>, outcome: "waits" };
  asked.settled = syncShared(handle).then(
    () => {
      asked.outcome = "done";
    },
    (error: Error) => {
      asked.outcome = error.message;
    },
  );
  return asked;
}

describe("a sync of a folder", () => {
  it("begins at once where there is none, and is each caller's own where they come one after the other", async () => {
    for (const handle of handles) {
      const asked = ask(handle);
      expect(syncs.at(-1)?.handle).toBe(handle);
      syncs.at(-1)?.end();
      await asked.settled;
      expect(asked.outcome).toBe("done");
    }
    expect(syncs).toHaveLength(4);
  });

  it("that had begun before is not taken for one's own; all who come meanwhile share the next", async () => {
    const [first, ...others] = handles.map(ask);
    expect(syncs).toHaveLength(1);
    syncs[0]?.end();
    await turn();
    expect([first?.outcome, ...others.map(({ outcome }) => outcome)]).toEqual(["done", "waits", "waits", "waits"]);
    expect(syncs).toHaveLength(2);
    syncs[1]?.end();
    await turn();
    expect(others.map(({ outcome }) => outcome)).toEqual(["done", "done", "done"]);
    expect(syncs).toHaveLength(2);
  });

  it("that fails, fails for all who share it, and for nobody else", async () => {
    const [first, second, third] = handles.map(ask);
    syncs[0]?.end(new Error("EIO"));
    await turn();
    expect([first?.outcome, second?.outcome]).toEqual(["EIO", "waits"]);
    syncs[1]?.end(new Error("EIO again"));
    await turn();
    expect([second?.outcome, third?.outcome]).toEqual(["EIO again", "EIO again"]);
    const later = ask(handles[0] as number);
    syncs[2]?.end();
    await later.settled;
    expect(later.outcome).toBe("done");
  });
});

it("a sync of another folder is another one", async () => {
  const other = await mkdtemp(join(tmpdir(), "holdfast-sync-"));
  const handle = openSync(other, "r");
  const [here, there] = [ask(handles[0] as number), ask(handle)];
  expect(syncs.map((sync) => sync.handle)).toEqual([handles[0], handle]);
  syncs[1]?.end();
  await turn();
  expect([here.outcome, there.outcome]).toEqual(["waits", "done"]);
  syncs[0]?.end();
  await here.settled;
  closeSync(handle);
  await rm(other, { recursive: true });
});
