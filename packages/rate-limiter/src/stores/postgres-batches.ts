// Calls made at once, or while others are on their way, go together in one statement: one round trip, one commit.

import { unlessAborted } from "@holdfast/core";

export interface BatchOptions {
  /** How many statements may be on their way at once. */
  readonly lanes: number;
  /** How many calls a statement takes. */
  readonly most: number;
}

interface Waiting<Call, Answer> {
  readonly call: Call;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes the function that asks one call. While a lane is free, a call goes as soon as the code that makes it has come to an await,
 * with all that were made until then; none waits for company that may come later. A call whose signal aborts while it waits
 * is never sent.
 */
export function inBatches<Call, Answer>(
  send: (calls: readonly Call[]) => Promise<readonly Answer[]>,
  { lanes, most }: BatchOptions,
): (call: Call, signal?: AbortSignal) => Promise<Answer> {
  const waiting = new Set<Waiting<Call, Answer>>();
  let underWay = 0;
  let isScheduled = false;

  function sendWaiting(): void {
    isScheduled = false;
    while (underWay < lanes && waiting.size > 0) {
      const batch = [...waiting].slice(0, most);
      for (const one of batch) waiting.delete(one);
      void sendBatch(batch);
    }
  }

  async function sendBatch(batch: readonly Waiting<Call, Answer>[]): Promise<void> {
    underWay++;
    try {
      const answers = await send(batch.map(({ call }) => call));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    underWay--;
    sendWaiting();
  }

  return (call, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const one = { call, resolve, reject };
    waiting.add(one);
    if (!isScheduled && underWay < lanes) {
      isScheduled = true;
      queueMicrotask(sendWaiting);
    }
    return unlessAborted(promise, signal, () => waiting.delete(one));
  };
}

/**
 * Sends calls in the order of their subjects, `most` at a time, and gives the answers in the order of the calls. A statement locks
 * its rows one after the other: so all lock them in one order, and none wait in a circle.
 */
export async function inOrderOfSubjects<Call extends { readonly subject: string }, Answer>(
  calls: readonly Call[],
  most: number,
  send: (calls: readonly Call[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers = new Array<Answer>(calls.length);
  // Calls on one subject stay in their order: sorting is stable.
  const order = [...calls.entries()].sort(([, a], [, b]) =>
    a.subject < b.subject ? -1 : Number(a.subject > b.subject),
  );
  for (let from = 0; from < order.length; from += most) {
    const part = order.slice(from, from + most);
    const found = await send(part.map(([, call]) => call));
    for (const [position, [index]] of part.entries()) answers[index] = found[position] as Answer;
  }
  return answers;
}
