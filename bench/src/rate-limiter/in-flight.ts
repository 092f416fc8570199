// Calls over a network, turn by turn, with as many of them on their way at any time as is wanted.

import { type Comparison, summarise } from "../harness.ts";
import { contrast, takeTurns } from "../harness-compare.ts";

export type AsyncSide = () => Promise<unknown>;

export interface InFlightOptions {
  readonly inFlight: number;
  /** Of each side in each round: enough for a turn of 100 ms or more. */
  readonly calls: number;
  /** One more, not counted, goes before them and warms every side up. */
  readonly rounds: number;
}

/**
 * Calls a second by the wall clock, of each side in each round. Of calls one at a time it is the middle one that tells: each waits
 * for two processes to be given a processor, and some wait for long.
 */
export async function roundsInFlight(
  sides: Readonly<Record<string, AsyncSide>>,
  { inFlight, calls, rounds }: InFlightOptions,
): Promise<readonly Readonly<Record<string, number>>[]> {
  const turn = () => takeTurns(sides, (side) => perSecond(side, inFlight, calls), Math.random);
  await turn();
  const turns: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) turns.push(await turn());
  return turns;
}

/** One side of the rounds, taken as ours, beside others of them. */
export function beside(
  rounds: readonly Readonly<Record<string, number>>[],
  ours: string,
  peers: readonly string[],
): Comparison {
  const figure = (round: Readonly<Record<string, number>>, side: string): number => round[side] ?? Number.NaN;
  return contrast(
    rounds.map((round) => ({
      ours: figure(round, ours),
      ...Object.fromEntries(peers.map((peer) => [peer, figure(round, peer)])),
    })),
  );
}

async function perSecond(side: AsyncSide, inFlight: number, calls: number): Promise<number> {
  globalThis.gc?.();
  const durations: number[] = [];
  let left = calls;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      await side();
      durations.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, work));
  return inFlight === 1 ? 1000 / summarise(durations).median : calls / ((performance.now() - start) / 1000);
}
