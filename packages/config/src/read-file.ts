// Reads a small text file that somebody else may be changing: a mounted secret, a .env.

import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { SourceContext } from "./source.ts";

/** Far above any secret or .env, far below what would hurt. */
const MOST_BYTES = 2 ** 20;

/** Text, or why there is none as a clause without the path. */
export type FileText = { readonly text: string } | { readonly problem: string; readonly absent?: boolean };

export async function readTextFile(path: string, { signal, logger }: SourceContext): Promise<FileText> {
  // Got here, not imported above: a service without files starts without them, some milliseconds sooner.
  const { constants, promises } = process.getBuiltinModule("node:fs");
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK opening a pipe that nobody writes to would never return.
    file = await promises.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const before = await file.stat();
    if (!before.isFile()) return { problem: before.isDirectory() ? "is a directory" : "is not a regular file" };
    if (before.size > MOST_BYTES) return { problem: "is larger than 1 MiB" };
    // Mounted secrets are world-readable as a rule, and inside a container that is no fault. World-writable is one.
    if (process.platform !== "win32" && before.mode & 0o002) {
      logger.warn({ path }, "configuration file can be changed by every user of this machine");
    }
    const bytes = await file.readFile({ signal });
    if (changed(before, await file.stat(), bytes.length)) return { problem: "was changed while it was read" };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    signal.throwIfAborted();
    return explain(error);
  } finally {
    await file?.close();
  }
}

// A file that is rewritten in place can be caught half written. One that is replaced by rename, or by a symlink, can't.
function changed(before: Stats, after: Stats, length: number): boolean {
  return before.mtimeMs !== after.mtimeMs || before.size !== after.size || length !== after.size;
}

function explain(error: unknown): FileText {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return { problem: "does not exist", absent: true };
    case "EACCES":
    case "EPERM":
      return { problem: "may not be read by this process" };
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return { problem: "is not UTF-8 text" };
    default:
      return { problem: `can't be read${code ? ` (${code})` : ""}` };
  }
}
