// What is due when, for all calls of an engine, on one timer of the clock.

import type { Clock } from "@holdfast/core";

/** Something that waits for a moment of the monotonic clock. One agenda at a time. */
export interface Due {
  /** Kept by the agenda. */
  dueAt: number;
  /** Kept by the agenda: below 0 when it is in none. */
  place: number;
  /** Called once the moment is there, and out of the agenda. */
  wake(nowMs: number): void;
}

/**
 * A binary heap by `dueAt`. A call that ends in time costs it two short walks through an array; arming and disarming a timer of
 * its own costs several times as much. The timer does not keep the process alive, and may be armed, for nothing, a while after
 * the last call.
 */
export interface Agenda {
  /** Wakes `due` at `dueAt`, or at the earlier moment that it stands for already: it looks what is due, and asks again. */
  by(due: Due, dueAt: number): void;
  remove(due: Due): void;
}

const UNREF = { keepAlive: false } as const;

export function createAgenda(clock: Clock): Agenda {
  const heap: Due[] = [];
  let armedFor = Number.POSITIVE_INFINITY;
  let disarm: (() => void) | undefined;

  function arm(dueAt: number): void {
    disarm?.();
    armedFor = dueAt;
    disarm = clock.schedule(fire, dueAt - clock.monotonic(), UNREF);
  }

  function fire(): void {
    armedFor = Number.POSITIVE_INFINITY;
    disarm = undefined;
    try {
      const nowMs = clock.monotonic();
      for (let next = heap[0]; next !== undefined && next.dueAt <= nowMs; next = heap[0]) {
        remove(next);
        next.wake(nowMs);
      }
    } finally {
      const next = heap[0];
      if (next !== undefined && next.dueAt < armedFor) arm(next.dueAt);
    }
  }

  function put(due: Due, place: number): void {
    heap[place] = due;
    due.place = place;
  }

  function rise(due: Due, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Due;
      if (above.dueAt <= due.dueAt) break;
      put(above, place);
      place = parent;
    }
    put(due, place);
  }

  function sink(due: Due, from: number): void {
    let place = from;
    for (let child = 2 * place + 1; child < heap.length; child = 2 * place + 1) {
      let below = heap[child] as Due;
      const other = heap[child + 1];
      if (other !== undefined && other.dueAt < below.dueAt) {
        below = other;
        child++;
      }
      if (below.dueAt >= due.dueAt) break;
      put(below, place);
      place = child;
    }
    rise(due, place);
  }

  function remove(due: Due): void {
    const { place } = due;
    if (place < 0) return;
    due.place = -1;
    const last = heap.pop();
    if (last !== undefined && last !== due) sink(last, place);
  }

  return {
    by(due, dueAt) {
      if (due.place < 0) {
        due.dueAt = dueAt;
        rise(due, heap.length);
      } else {
        if (due.dueAt <= dueAt) return;
        due.dueAt = dueAt;
        rise(due, due.place);
      }
      if (dueAt < armedFor) arm(dueAt);
    },
    remove,
  };
}
