import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { createCheckpoints, memoryStore } from "../src/index.ts";
import { ingest, ingestAll, memorySink, watchIngest } from "../src/ingest.ts";
import { countingSource, newRun } from "./ingest-builders.ts";

const keys = ["a", "b", "c", "d", "e"];

describe("several streams", () => {
  it("run at most so many at a time, and one that fails stops no other", async () => {
    let running = 0;
    let most = 0;
    const run = async (key: string): Promise<string> => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      if (key === "b") throw new Error("b is ill");
      return key.toUpperCase();
    };
    const outcomes = await ingestAll(keys, run, { limit: 2 });
    expect(most).toBe(2);
    expect([...outcomes.keys()].sort()).toEqual(keys);
    expect(outcomes.get("b")).toMatchObject({ status: "rejected", reason: new Error("b is ill") });
    expect(outcomes.get("e")).toEqual({ status: "fulfilled", value: "E" });
  });

  it("finish their page and begin no more when they are stopped", async () => {
    const stop = new AbortController();
    const run = newRun();
    const outcomes = await ingestAll(
      keys,
      (key, call) => {
        const sink = async (): Promise<void> => (key === "b" ? stop.abort() : undefined);
        return ingest({ ...run, ...call, key, source: countingSource(2, 1), sink });
      },
      { limit: 1, stop: stop.signal },
    );
    expect([...outcomes.keys()]).toEqual(["a", "b"]);
    expect(outcomes.get("b")).toMatchObject({ value: { how: "stopped", processed: 1 } });
  });

  it("need a limit that lets one run", async () => {
    await expect(ingestAll(keys, async () => {}, { limit: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("the health of streams", () => {
  it("is stalled once a running stream has been silent for too long, and is well again with its next batch", async () => {
    const clock = createManualClock();
    const watch = watchIngest({ stalledAfter: "5m", clock });
    const seen: (readonly [boolean, string | undefined])[] = [];
    const look = (): void => {
      const { ok, streams } = watch.health();
      seen.push([ok, streams[0]?.status]);
    };
    const source = countingSource(2, 1, (from) => {
      look();
      if (from === 1) {
        clock.advance(300_001);
        look();
      }
    });
    await ingest({ ...newRun(), source, sink: memorySink(), on: watch.on });
    clock.advance(1e9);
    look();
    expect(seen).toEqual([
      [true, "running"],
      [true, "running"],
      [false, "stalled"],
      [true, "idle"],
    ]);
  });

  it("tells how old the checkpoint is, from the one that the run began with on", async () => {
    const clock = createManualClock(1_000_000);
    const checkpoints = createCheckpoints<number>({ store: memoryStore(), clock });
    await checkpoints.save("rows", 0);
    clock.advance(60_000);
    const watch = watchIngest({ stalledAfter: "5m", clock });
    const ages: (number | undefined)[] = [];
    const look = (): void => void ages.push(watch.health().streams[0]?.checkpointAgeMs);
    const source = countingSource(1, 1, look);
    await ingest({ ...newRun(), checkpoints, clock, source, sink: memorySink(), on: watch.on });
    clock.advance(5000);
    look();
    expect(ages).toEqual([60_000, 5000]);
  });

  it("is not well after a run that failed", async () => {
    const watch = watchIngest({ stalledAfter: "5m", clock: createManualClock() });
    const sink = async (): Promise<void> => {
      throw new Error("no");
    };
    await ingest({ ...newRun(), source: countingSource(1, 1), sink, on: watch.on }).catch(() => {});
    expect(watch.health()).toEqual({ ok: false, streams: [{ key: "rows", status: "failed", silentMs: 0 }] });
  });
});
