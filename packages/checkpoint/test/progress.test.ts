import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type IngestHooks, ingest, joinHooks, memorySink, type Source, showProgress } from "../src/ingest.ts";
import { countingSource, newRun, pagesOf, row } from "./ingest-builders.ts";

function terminal(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => void written.push(text) };
  const clock = createManualClock();
  return { written, clock, stream };
}

describe("progress on a terminal", () => {
  it("is one line that is written over, and stays when the run ends", async () => {
    const { written, clock, stream } = terminal(true);
    const source = countingSource(3000, 1000, (from) => from > 0 && clock.advance(1000));
    const on = showProgress({ stream, clock });
    await ingest({ ...newRun(), clock, on, source, sink: memorySink(), timeOf: () => clock.now() - 12_000 });
    expect(written).toEqual([
      "\r\u001b[2Krows  1,000 written, 12 s behind",
      "\r\u001b[2Krows  2,000 written, 2,000/s, 12 s behind",
      "\r\u001b[2Krows  3,000 written, 1,500/s, 12 s behind",
      "\r\u001b[2Krows  3,000 written in 2.0 s, done\n",
    ]);
  });

  it("is not written oftener than the eye can follow", async () => {
    const { written, clock, stream } = terminal(true);
    const source = countingSource(100, 1, () => clock.advance(10));
    await ingest({ ...newRun(), clock, on: showProgress({ stream, clock }), source, sink: memorySink() });
    expect(written).toHaveLength(11);
  });

  it("fits the terminal, and shows of keys and errors nothing that would move the cursor", async () => {
    const { written, clock, stream } = terminal(true, 30);
    const run = { ...newRun(), key: "a\u001b[2Jb" };
    const sink = async (): Promise<void> => {
      throw new Error("no\nspace, and a word or two more");
    };
    await ingest({ ...run, clock, on: showProgress({ stream, clock }), source: pagesOf([row(1)]), sink }).catch(
      () => {},
    );
    expect(written).toEqual(["\r\u001b[2Ka?[2Jb  0 written in 0.0 s, f\n"]);
  });

  it("gives each of several runs a line of its own", () => {
    const { written, clock, stream } = terminal(true);
    const on = showProgress({ stream, clock });
    const total = { processed: 1, failed: 0, duplicate: 0, skipped: 0 };
    const batch = { ...total, total, pages: 1, durationMs: 0, lagMs: undefined, remaining: 7, savedAt: 0 };
    for (const key of ["a", "b"]) on.started?.({ key, resumed: false, savedAt: undefined });
    for (const key of ["a", "b"]) on.batch?.({ key, ...batch });
    expect(written).toEqual(["\r\u001b[2Ka  1 written, 7 to come", "\n\r\u001b[2Kb  1 written, 7 to come"]);
  });
});

describe("progress in a file", () => {
  it("is a plain line now and then, one for a wait, and one at the end", async () => {
    const { written, clock, stream } = terminal(false);
    const source: Source<number> = {
      async *pages(cursor = 0, call) {
        yield { records: [row(1), row(1), {}], cursor: cursor + 1 };
        call.tell({ kind: "rate-limited", waitMs: 3000 });
        clock.advance(3000);
        yield { records: [row(2)], cursor: cursor + 2 };
      },
    };
    const run = { ...newRun(), clock, on: showProgress({ stream, clock }), source };
    await ingest({ ...run, sink: async () => {}, deadLetters: async () => {}, id: ({ id }) => id });
    expect(written).toEqual([
      "rows  1 written, 1 failed, 1 duplicate\n",
      "rows  waited 3.0 s after a 429\n",
      "rows  2 written, 1 failed, 1 duplicate in 3.0 s, done\n",
    ]);
  });
});

describe("joined hooks", () => {
  it("are told one after another, each of what it wants", async () => {
    const told: string[] = [];
    const hooks = (name: string): Required<IngestHooks> => ({
      started: () => told.push(`${name} started`),
      batch: () => told.push(`${name} batch`),
      notice: () => told.push(`${name} notice`),
      ended: () => told.push(`${name} ended`),
    });
    const { ended } = hooks("b");
    await ingest({
      ...newRun(),
      source: countingSource(1, 1),
      sink: memorySink(),
      on: joinHooks(hooks("a"), { ended }),
    });
    expect(told).toEqual(["a started", "a batch", "a ended", "b ended"]);
  });
});
