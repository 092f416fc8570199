import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { ingest, ingestAll, memorySink } from "../src/ingest.ts";
import { countingSource, newRun, type Row, row } from "./ingest-builders.ts";

const rowsUpTo = (count: number): Row[] => Array.from({ length: count }, (_, n) => row(n));

describe("a page that is fetched ahead", () => {
  it("is one, and no more, however long the write takes", async () => {
    const asked: number[] = [];
    const atWrite: number[] = [];
    const sink = async (): Promise<void> => {
      // Time enough for a source that needs none to give all that it has.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      atWrite.push(asked.length);
    };
    const source = countingSource(5, 1, (from) => asked.push(from));
    await ingest({ ...newRun(), source, sink, prefetch: true });
    expect(atWrite).toEqual([2, 3, 4, 5, 5]);
  });

  it("is lost to nobody when the write before it fails: the next run has it", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    let calls = 0;
    const failing = async (rows: readonly Row[]): Promise<void> => {
      if (++calls === 2) throw new Error("disk full");
      await sink.write(rows, {} as never);
    };
    const options = { ...run, source: countingSource(5, 1), sink: failing, prefetch: true };
    await expect(ingest(options)).rejects.toThrow("disk full");
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
    await ingest(options);
    expect(sink.rows).toEqual(rowsUpTo(5));
  });

  it("is lost to nobody when the run is stopped with it in hand", async () => {
    const run = newRun();
    const stop = new AbortController();
    const sink = async (): Promise<void> => stop.abort();
    const result = await ingest({ ...run, source: countingSource(5, 1), sink, stop: stop.signal, prefetch: true });
    expect(result).toMatchObject({ how: "stopped", processed: 1, cursor: 1 });
    expect((await run.checkpoints.load("rows"))?.value).toBe(1);
  });

  it("does not take the page before it along when it fails", async () => {
    const run = newRun();
    const sink = memorySink<Row>();
    const source = countingSource(5, 1, (from) => {
      if (from === 2) throw new Error("gone");
    });
    await expect(ingest({ ...run, source, sink, prefetch: true })).rejects.toThrow("gone");
    expect(sink.rows).toEqual(rowsUpTo(2));
    expect((await run.checkpoints.load("rows"))?.value).toBe(2);
  });

  it("is called off when the run ends without it", async () => {
    let given: AbortSignal | undefined;
    const source = {
      async *pages(_: number | undefined, { signal }: { signal: AbortSignal }) {
        given = signal;
        yield { records: [row(0)], cursor: 1 };
        await new Promise(() => {});
      },
    };
    const sink = async (): Promise<void> => {
      throw new Error("disk full");
    };
    await expect(ingest({ ...newRun(), source, sink, prefetch: true })).rejects.toThrow("disk full");
    expect(given?.aborted).toBe(true);
  });
});

describe("a deadline", () => {
  it("lets a stream finish the page at hand, and leaves no timer", async () => {
    const run = newRun();
    const clock = createManualClock();
    const sink = async (): Promise<void> => clock.advance(1000);
    const result = await ingest({ ...run, clock, source: countingSource(30, 10), sink, deadline: "1500ms" });
    expect(result).toMatchObject({ how: "stopped", processed: 20, cursor: 20 });
    expect((await run.checkpoints.load("rows"))?.value).toBe(20);
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not wait for a page that does not come", async () => {
    const clock = createManualClock();
    const source = {
      async *pages() {
        yield { records: [row(0)], cursor: 1 };
        clock.advance(2000);
        await new Promise(() => {});
      },
    };
    const result = await ingest({ ...newRun(), clock, source, sink: memorySink(), deadline: 1500 });
    expect(result).toMatchObject({ how: "stopped", processed: 1, cursor: 1 });
  });

  it("that a run does not come to leaves no timer either", async () => {
    const clock = createManualClock();
    const result = await ingest({
      ...newRun(),
      clock,
      source: countingSource(2, 1),
      sink: memorySink(),
      deadline: "1h",
    });
    expect(result.how).toBe("done");
    expect(clock.pendingTimers).toBe(0);
  });

  it("of all streams together begins no more of them, and stops those that run", async () => {
    const clock = createManualClock();
    const stopped: boolean[] = [];
    const run = async (_: string, { stop }: { stop: AbortSignal | undefined }): Promise<void> => {
      clock.advance(1000);
      stopped.push(stop?.aborted === true);
    };
    const outcomes = await ingestAll(["a", "b", "c", "d", "e"], run, { limit: 1, deadline: "2500ms", clock });
    expect([...outcomes.keys()]).toEqual(["a", "b", "c"]);
    expect(stopped).toEqual([false, false, true]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a run that waits for its lease", () => {
  it("ends when it is stopped, with nothing done", async () => {
    const run = newRun();
    await run.checkpoints.save("rows", 1);
    const sink = memorySink<Row>();
    await run.checkpoints.withLease("rows", async () => {
      const stop = new AbortController();
      const ended: string[] = [];
      const on = { ended: ({ how }: { how: string }) => void ended.push(how) };
      const waiting = ingest({ ...run, on, source: countingSource(5, 1), sink, stop: stop.signal });
      stop.abort();
      expect(await waiting).toMatchObject({ how: "stopped", pages: 0, processed: 0 });
      expect(ended).toEqual(["stopped"]);
    });
    expect(sink.rows).toEqual([]);
  });

  it("ends when its deadline is over", async () => {
    const run = newRun();
    const clock = createManualClock();
    await run.checkpoints.withLease("rows", async () => {
      const options = { ...run, clock, source: countingSource(5, 1), sink: memorySink<Row>(), deadline: "1s" };
      const waiting = ingest(options);
      clock.advance(1000);
      expect(await waiting).toMatchObject({ how: "stopped", pages: 0 });
    });
  });
});
