// What goes wrong on the disk, as this package says it.

import { HttpRetryError } from "../errors.ts";

/** Runs what reads or writes files; an error of theirs becomes an `HttpRetryError` with code `FILE_FAILED`. */
export async function onDisk<Result>(
  target: string,
  keeps: () => string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    // Nothing else than the operating system's.
    if (syscall === undefined) throw error;
    const remedy = code === "ENOSPC" || code === "EDQUOT" ? "free some space" : "see to that";
    const text = `${target} can't be written (${message}): ${remedy}, and download it again${keeps()}`;
    throw new HttpRetryError("FILE_FAILED", text, { cause: error });
  }
}

/** For `catch`: an error of this code is none. */
export function ignore(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error;
  };
}
