// A signal of our own that aborts when the caller's does.

export interface Following {
  readonly controller: AbortController;
  /** Follows no longer, so that the caller's signal, which may outlive many of ours, has no listener left. */
  release(): void;
}

/**
 * `AbortSignal.any` does the same by weak references: they cost something at each look at `aborted`, and the collector of young objects takes them
 * for strong ones, so that what hangs on the signal lives on for a while.
 */
export function following(signal: AbortSignal | undefined): Following {
  const controller = new AbortController();
  const follow = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) follow();
  signal?.addEventListener("abort", follow, { once: true });
  return { controller, release: () => signal?.removeEventListener("abort", follow) };
}
