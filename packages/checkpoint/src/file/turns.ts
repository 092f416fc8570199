// One after the other, in the order of asking: so that a process has one attempt at a lock running, and not one for each caller.

const last = new Map<string, Promise<unknown>>();

/** Runs `work` when all work of this name that was asked for before has settled; not at all if the signal has aborted by then. */
export function inTurn<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const turn = (last.get(name) ?? Promise.resolve())
    .then(() => {
      signal?.throwIfAborted();
      return work();
    })
    .finally(() => {
      if (last.get(name) === settled) last.delete(name);
    });
  const settled = turn.catch(() => {});
  last.set(name, settled);
  return turn;
}

/** Whether there is work of this name that has not settled. */
export function hasTurns(name: string): boolean {
  return last.has(name);
}
