// A simulated clock: what is to happen happens in order of time, and no time passes in between.

export interface Agenda {
  /** Milliseconds since the start. */
  now(): number;
  /** Never in the past. What is set for the same moment happens in the order of these calls. */
  at(ms: number, happen: () => void): void;
  /** Lets everything happen that is set for before `ms`. */
  runUntil(ms: number): void;
}

interface Entry {
  readonly ms: number;
  readonly order: number;
  readonly happen: () => void;
}

export function createAgenda(): Agenda {
  // A binary heap: entry i comes no later than entries 2i + 1 and 2i + 2.
  const heap: Entry[] = [];
  let nowMs = 0;
  let order = 0;

  const isBefore = (a: Entry, b: Entry): boolean => a.ms < b.ms || (a.ms === b.ms && a.order < b.order);

  function push(entry: Entry): void {
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  function shift(): Entry {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  return {
    now: () => nowMs,
    at: (ms, happen) => push({ ms, order: order++, happen }),
    runUntil(ms) {
      while (heap.length > 0 && heap[0]!.ms < ms) {
        const next = shift();
        nowMs = next.ms;
        next.happen();
      }
      nowMs = ms;
    },
  };
}
