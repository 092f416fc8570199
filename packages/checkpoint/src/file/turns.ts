// One after the other, in the order of asking: so that a process has one attempt at a lock running, and not one for each caller.

const last = new Map<string, Promise<unknown>>();

/** Runs `work` when all work of this name that was asked for before has settled; not at all if the signal has aborted by then. */
export function inTurn<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const turn = (last.get(name) ?? Promise.resolve()).then(() => {
    signal?.throwIfAborted();
    return work();
  });
  const settled = turn
    .catch(() => {})
    .then(() => {
      if (last.get(name) === settled) last.delete(name);
    });
  last.set(name, settled);
  return turn;
}
