// The source's pages as the runner takes them: in turn or one ahead, until there are no more or somebody says stop.

import { unlessAborted } from "@holdfast/core";
import { following } from "../following.ts";
import type { Page } from "./contract.ts";

export interface PagesOptions<Cursor> {
  readonly open: (signal: AbortSignal) => AsyncIterable<Page<Cursor>>;
  /** Asks for the page after the one that is given, and for no more. */
  readonly prefetch: boolean;
  readonly stop: AbortSignal | undefined;
  readonly signal: AbortSignal;
}

/** Made once: one made for each run would keep what its stack has seen as long as somebody has the signal. */
const OVER = new Error("No more pages are wanted");

/** Ends after the page at hand when `stop` aborts, without waiting for the next; and throws when `signal` does. */
export async function* pagesOf<Cursor>(options: PagesOptions<Cursor>): AsyncGenerator<Page<Cursor>> {
  const { open, prefetch, stop, signal } = options;
  const { controller: leaving, release } = following(signal);
  const pages = open(leaving.signal)[Symbol.asyncIterator]();
  let ahead: Promise<IteratorResult<Page<Cursor>>> | undefined;
  let isOver = false;
  try {
    while (!stop?.aborted) {
      const next = await unlessAborted(unlessAborted(ahead ?? pages.next(), signal), stop);
      isOver = next.done === true;
      if (next.done) return;
      if (prefetch) {
        ahead = pages.next();
        // Heard when its turn comes; or never, where the run has ended by then.
        ahead.catch(() => {});
      }
      yield next.value;
    }
  } catch (error) {
    if (!stop?.aborted || error !== stop.reason) throw error;
  } finally {
    release();
    leaving.abort(OVER);
    // A source that waits for something answers later, or never.
    if (!isOver) pages.return?.().catch(() => {});
  }
}
