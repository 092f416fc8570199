// What a request takes, of each side turn by turn, in microseconds.

import { type Comparison, summarise } from "../harness.ts";
import { contrast, takeTurns } from "../harness-compare.ts";
import { processorMs } from "../processor-time.ts";

/** One request, to the end of its body. */
export type Ask = () => Promise<unknown>;

export interface CompareOptions {
  readonly inFlight: number;
  /** Of each side in each round. */
  readonly calls: number;
  readonly rounds: number;
}

export const ALONE: CompareOptions = { inFlight: 1, calls: 1000, rounds: 7 };
export const TOGETHER: CompareOptions = { inFlight: 64, calls: 8000, rounds: 7 };

const WARM_UP_ROUNDS = 3;

/** One of the sides is `ours`. */
export async function compareRequests(
  sides: Readonly<Record<string, Ask>>,
  options: CompareOptions,
): Promise<Comparison> {
  const { inFlight, calls, rounds } = options;
  const turn = (): Promise<Record<string, number>> =>
    takeTurns(
      sides,
      (ask) => {
        globalThis.gc?.();
        return inFlight === 1 ? oneByOne(ask, calls) : together(ask, calls, inFlight);
      },
      Math.random,
    );
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await turn();
  const turns: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) turns.push(await turn());
  return contrast(turns);
}

/** From one end to the other, as the middle request has it: on a busy machine, some wait long for a processor. */
async function oneByOne(ask: Ask, calls: number): Promise<number> {
  const durations: number[] = [];
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    await ask();
    durations.push((performance.now() - start) * 1000);
  }
  return summarise(durations).median;
}

/** Of the thread's own time: what bounds how many requests it can make. */
async function together(ask: Ask, calls: number, inFlight: number): Promise<number> {
  const start = processorMs();
  await askTogether(ask, calls, inFlight);
  return ((processorMs() - start) * 1000) / calls;
}

export async function askTogether(ask: Ask, calls: number, inFlight: number): Promise<void> {
  let left = calls;
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}
