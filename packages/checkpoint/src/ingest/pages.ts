// The source's pages as the runner takes them: in turn or one ahead, until there are no more or somebody says stop.

import { unlessAborted } from "@holdfast/core";
import type { Page } from "./contract.ts";

export interface PagesOptions<Cursor> {
  readonly open: (signal: AbortSignal) => AsyncIterable<Page<Cursor>>;
  /** Asks for the page after the one that is given, and for no more. */
  readonly prefetch: boolean;
  readonly stop: AbortSignal | undefined;
  readonly signal: AbortSignal;
}

/** Ends after the page at hand when `stop` aborts, without waiting for the next; and throws when `signal` does. */
export async function* pagesOf<Cursor>(options: PagesOptions<Cursor>): AsyncGenerator<Page<Cursor>> {
  const { open, prefetch, stop, signal } = options;
  const leaving = new AbortController();
  const either = stop ? AbortSignal.any([signal, stop]) : signal;
  const pages = open(AbortSignal.any([signal, leaving.signal]))[Symbol.asyncIterator]();
  let ahead: Promise<IteratorResult<Page<Cursor>>> | undefined;
  let isOver = false;
  try {
    while (!stop?.aborted) {
      const next = await unlessAborted(ahead ?? pages.next(), either);
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
    leaving.abort();
    // A source that waits for something answers later, or never.
    if (!isOver) pages.return?.().catch(() => {});
  }
}
