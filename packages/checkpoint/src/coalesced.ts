// Saves of a hot stream, put together: the latest value, now and then.

import type { Clock } from "@holdfast/core";
import { CheckpointError } from "./errors.ts";

export interface Coalesced<Value> {
  /**
   * Takes a value that will be saved soon, unless a later one takes its place. Throws what the last save was refused with: nothing is saved
   * any more then.
   */
  put(value: Value): void;
  /** Saves what is waiting, and resolves when it has been. */
  flush(): Promise<void>;
  /** As `flush`; then takes no more. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface CoalesceParts<Value> {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly count: number;
  readonly save: (value: Value) => Promise<unknown>;
}

export function coalesce<Value>({ clock, everyMs, count, save }: CoalesceParts<Value>): Coalesced<Value> {
  let waiting: { readonly value: Value } | undefined;
  let waitingCount = 0;
  let cancelTimer: (() => void) | undefined;
  let saving: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let isClosed = false;

  async function saveAll(): Promise<void> {
    while (waiting && !failure) {
      const { value } = waiting;
      waiting = undefined;
      waitingCount = 0;
      cancelTimer?.();
      cancelTimer = undefined;
      await save(value).catch((error: unknown) => {
        failure = { error };
      });
    }
  }

  /** One at a time; what comes meanwhile is saved in the same go. */
  function start(): Promise<void> {
    saving ??= saveAll().finally(() => {
      saving = undefined;
    });
    return saving;
  }

  const flush = async (): Promise<void> => {
    await start();
    if (failure) throw failure.error;
  };
  const close = async (): Promise<void> => {
    isClosed = true;
    await flush();
  };

  return {
    put(value) {
      if (failure) throw failure.error;
      if (isClosed) throw new CheckpointError("CLOSED", "These checkpoints have been closed; put values before");
      waiting = { value };
      waitingCount++;
      if (waitingCount >= count) void start();
      else cancelTimer ??= clock.schedule(() => void start(), everyMs, { keepAlive: false });
    },
    flush,
    close,
    [Symbol.asyncDispose]: close,
  };
}
