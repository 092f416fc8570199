// Rows in a file, one line of JSON each.

import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { syncFolder } from "../../file/durable-write.ts";
import type { Sink } from "../contract.ts";

export interface JsonLinesSink extends Sink<unknown> {
  close(): Promise<void>;
}

/**
 * Opens the file, or makes it, and cuts off a last line that a crash left torn. One process at a time has it, as one runner at a time has a stream.
 * A crash between write and save leaves lines that come again: readers tell them by their id.
 *
 * @throws CheckpointError `SINK_FAILED`
 */
export async function openJsonLines(path: string): Promise<JsonLinesSink> {
  const file = await open(path, "a+", 0o600).catch((error) => failed(path, error));
  let size: number;
  try {
    size = await cutTornLine(file);
    await file.sync();
    await syncFolder(dirname(path));
  } catch (error) {
    await file.close();
    return failed(path, error);
  }
  let isBroken = false;
  return {
    async write(rows) {
      if (isBroken) {
        throw new CheckpointError(
          "SINK_FAILED",
          `${path} failed before, and what of it is on the disk is unknown; open it anew`,
        );
      }
      const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
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
  const buffer = Buffer.alloc(CHUNK);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) {
      const whole = start + newline + 1;
      if (whole < size) await file.truncate(whole);
      return whole;
    }
    end = start;
  }
  await file.truncate(0);
  return 0;
}

function failed(path: string, cause: unknown): never {
  throw new CheckpointError("SINK_FAILED", `${path} failed: ${(cause as Error).message}`, { cause });
}
