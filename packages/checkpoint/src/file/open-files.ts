// A process may have so many files open and no more; who meets that limit waits a little, since those are mostly closed soon.

import { type Clock, sleep } from "@holdfast/core";

/** 1, 2, 4, … ms: half a second in all. */
const MOST_WAIT_MS = 256;

/** Repeats what fails for that, which must have changed nothing by then; gives up after half a second. */
export async function untilFilesAreFree<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  for (let waitMs = 1; ; waitMs *= 2) {
    try {
      return await act();
    } catch (error) {
      const isShort = ["EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (!isShort || waitMs > MOST_WAIT_MS) throw error;
    }
    await sleep(waitMs, { clock, signal });
  }
}
