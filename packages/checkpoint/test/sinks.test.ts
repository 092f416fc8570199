import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingest, openJsonLines } from "../src/ingest.ts";
import { newRun, pagesOf, type Row, row } from "./ingest-builders.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-sinks-"));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;
const newPath = (): string => join(folder, `${made++}.jsonl`);

describe("the file of JSON lines", () => {
  it("has a line a row, over runs", async () => {
    const path = newPath();
    const run = newRun();
    for (const pages of [[[row(1), row(2)]], [[], [row(3)]]]) {
      const sink = await openJsonLines(path);
      await ingest({ ...run, source: pagesOf(...pages), sink });
      await sink.close();
    }
    expect(await readFile(path, "utf8")).toBe([1, 2, 3].map((n) => `${JSON.stringify(row(n))}\n`).join(""));
  });

  it("loses a last line that is torn, at any length, and no whole one", async () => {
    const path = newPath();
    const whole = '{"a":1}\n{"a":"é"}\n';
    const torn = '{"a":3}';
    for (let length = 0; length <= torn.length; length++) {
      await writeFile(path, whole + torn.slice(0, length));
      await (await openJsonLines(path)).close();
      expect(await readFile(path, "utf8")).toBe(whole);
    }
  });

  it("loses a torn line that is longer than is read at once, and one that is all there is", async () => {
    const path = newPath();
    await writeFile(path, "{}\n");
    await appendFile(path, "x".repeat(200_000));
    await (await openJsonLines(path)).close();
    expect(await readFile(path, "utf8")).toBe("{}\n");
    await writeFile(path, "x".repeat(70_000));
    await (await openJsonLines(path)).close();
    expect(await readFile(path, "utf8")).toBe("");
  });

  it("with an id writes nothing twice that is among its last lines, over runs and within one", async () => {
    const path = newPath();
    const odd = { id: "a\u2028b", n: 9 };
    const batches = [
      [row(1), odd, row(1)],
      [row(1), row(2), odd],
    ];
    for (const batch of batches) {
      const sink = await openJsonLines<Row>(path, { id: ({ id }) => id });
      expect(sink.appends).toBe(false);
      await sink.write(batch, {} as never);
      await sink.close();
    }
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([row(1), odd, row(2)]);
  });

  it("with an id looks at as many last lines as it is told to, however long they are", async () => {
    const path = newPath();
    const long = (n: number): Row => ({ id: `${n}${"x".repeat(40_000)}`, n });
    const id = (one: Row): string => one.id;
    const all = [1, 2, 3, 4].map(long);
    const first = await openJsonLines<Row>(path, { id });
    await first.write(all, {} as never);
    await first.close();
    const second = await openJsonLines<Row>(path, { id, window: 3 });
    await second.write(all.toReversed(), {} as never);
    await second.close();
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).n)).toEqual([1, 2, 3, 4, 1]);
  });

  it("without an id appends, and a line that is no JSON is refused with one", async () => {
    const path = newPath();
    const sink = await openJsonLines(path);
    expect(sink.appends).toBe(true);
    await sink.close();
    await writeFile(path, "not JSON\n");
    await expect(openJsonLines<Row>(path, { id: ({ id }) => id })).rejects.toMatchObject({ code: "SINK_FAILED" });
    await expect(openJsonLines<Row>(path, { id: ({ id }) => id, window: 0 })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
  });

  it("says what failed", async () => {
    await expect(openJsonLines(join(folder, "nowhere", "a.jsonl"))).rejects.toMatchObject({ code: "SINK_FAILED" });
    const sink = await openJsonLines(newPath());
    await sink.close();
    const write = () => sink.write([1], {} as never);
    await expect(write()).rejects.toMatchObject({ code: "SINK_FAILED" });
    await expect(write()).rejects.toThrow(/failed before/);
  });
});
