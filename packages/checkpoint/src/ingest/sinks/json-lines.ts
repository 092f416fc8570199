// Rows in a file, one line of JSON each.

import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { syncFolder } from "../../file/durable-write.ts";
import type { Sink } from "../contract.ts";
import { createIdWindow, type IdWindow, MOST_IDS } from "../id-window.ts";
import { whole } from "../whole.ts";

export interface JsonLinesSink<Row = unknown> extends Sink<Row> {
  close(): Promise<void>;
}

export interface JsonLinesOptions<Row> {
  /**
   * By what a row is known, in memory and as JSON has it. Where given, a row whose id is among the last lines is not written again: neither after a crash nor
   * by a source that reads some records twice.
   */
  readonly id?: ((row: Row) => string) | undefined;
  /** How many last lines are looked at, which are read when the file is opened. At least as many as a batch has. Default 100,000. */
  readonly window?: number | undefined;
}

/**
 * Opens the file, or makes it, and cuts off a last line that a crash left torn. One process at a time has it, as one runner at a time has a stream.
 * A crash between write and save leaves lines that come again, unless `id` is given.
 *
 * @throws CheckpointError `SINK_FAILED`, `INVALID_OPTION`
 */
export async function openJsonLines<Row = unknown>(
  path: string,
  { id, window = 100_000 }: JsonLinesOptions<Row> = {},
): Promise<JsonLinesSink<Row>> {
  const ids = createIdWindow(id === undefined ? 1 : whole("window", window, MOST_IDS));
  const file = await open(path, "a+", 0o600).catch((error) => failed(path, error));
  let size: number;
  try {
    size = await cutTornLine(file);
    if (id) await readIds(file, await startOfLines(file, size, window), id, ids);
    await file.sync();
    await syncFolder(dirname(path));
  } catch (error) {
    await file.close();
    return failed(path, error);
  }
  let isBroken = false;
  return {
    appends: id === undefined,
    async write(rows) {
      if (isBroken) {
        throw new CheckpointError(
          "SINK_FAILED",
          `${path} failed before, and what of it is on the disk is unknown; open it anew`,
        );
      }
      const added = id === undefined ? rows : rows.filter((row) => ids.add(id(row)));
      const lines = Buffer.from(added.map((row) => `${JSON.stringify(row)}\n`).join(""));
      try {
        await file.appendFile(lines);
        await file.sync();
        size += lines.length;
      } catch (error) {
        // A second fsync may say yes to what the first has lost.
        isBroken = true;
        await file.truncate(size).catch(() => {});
        failed(path, error);
      }
    },
    close: () => file.close(),
  };
}

const CHUNK = 64 * 1024;
const NEWLINE = 10;

/** Resolves to the size of what is whole. */
async function cutTornLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const end = await startOfLines(file, size, 0);
  if (end < size) await file.truncate(end);
  return end;
}

/** Where the last `count` whole lines begin, by looking backward from `size`. */
async function startOfLines(file: FileHandle, size: number, count: number): Promise<number> {
  const buffer = Buffer.alloc(CHUNK);
  let newlines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    let chunk = buffer.subarray(0, bytesRead);
    for (let at = chunk.lastIndexOf(NEWLINE); at >= 0; at = chunk.lastIndexOf(NEWLINE)) {
      if (newlines++ === count) return start + at + 1;
      chunk = chunk.subarray(0, at);
    }
    end = start;
  }
  return 0;
}

async function readIds<Row>(file: FileHandle, start: number, id: (row: Row) => string, ids: IdWindow): Promise<void> {
  let rest = "";
  // Not by readLines, which takes U+2028 for the end of a line too.
  for await (const text of file.createReadStream({ start, autoClose: false, encoding: "utf8" })) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) ids.add(id(JSON.parse(line) as Row));
  }
}

function failed(path: string, cause: unknown): never {
  throw new CheckpointError("SINK_FAILED", `${path} failed: ${(cause as Error).message}`, { cause });
}
