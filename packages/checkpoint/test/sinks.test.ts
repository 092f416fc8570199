import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingest, openJsonLines } from "../src/ingest.ts";
import { newRun, pagesOf, row } from "./ingest-builders.ts";

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

  it("says what failed", async () => {
    await expect(openJsonLines(join(folder, "nowhere", "a.jsonl"))).rejects.toMatchObject({ code: "SINK_FAILED" });
    const sink = await openJsonLines(newPath());
    await sink.close();
    const write = () => sink.write([1], {} as never);
    await expect(write()).rejects.toMatchObject({ code: "SINK_FAILED" });
    await expect(write()).rejects.toThrow(/failed before/);
  });
});
