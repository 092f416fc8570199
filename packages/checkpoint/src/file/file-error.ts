// What goes wrong on the disk, as this package says it.

import { CheckpointError } from "../errors.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "free some space",
  EDQUOT: "free some space, or raise the quota",
  EACCES: "let this user read and write there",
  EROFS: "mount it for writing",
  ENOENT: "put it back, and open the store anew",
  EMFILE: "let the process open more files",
  ENFILE: "let the machine open more files",
};

/** An error of the operating system's becomes a `CheckpointError`; others stay as they are. */
export function asCheckpointError(error: unknown, folder: string): unknown {
  const { code = "", message, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (syscall === "link" && ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code))
    return new CheckpointError(
      "STORE_UNFIT",
      `the file system of ${folder} has no hard links (${message}), which locks need: use a folder on another`,
      { cause: error },
    );
  const remedy = REMEDIES[code];
  return new CheckpointError("STORE_FAILED", `${folder} failed (${message})${remedy ? `: ${remedy}` : ""}`, {
    cause: error,
  });
}

/** For `catch`: a file that is not there is no error. */
export function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
