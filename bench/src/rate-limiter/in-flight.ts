// Calls over a network, turn by turn, one after the other or many on their way at once.

import { type Comparison, summarise } from "../harness.ts";
import { contrast, takeTurns } from "../harness-compare.ts";

export type AsyncSide = () => Promise<unknown>;

export interface InFlightOptions {
  readonly inFlight: number;
  /** Of each side in each round. */
  readonly calls: number;
  /** One more, not counted, goes before them and warms every side up. */
  readonly rounds: number;
}

export type Rounds = readonly Readonly<Record<string, number>>[];

/** Calls a second by the wall clock, of each side in each round. */
export function roundsInFlight(sides: Readonly<Record<string, AsyncSide>>, options: InFlightOptions): Promise<Rounds> {
  const { inFlight, calls, rounds } = options;
  return takeRounds(sides, rounds, async (side) => {
    let left = calls;
    const work = async (): Promise<void> => {
      while (left-- > 0) await side();
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: inFlight }, work));
    return calls / ((performance.now() - start) / 1000);
  });
}

/**
 * Calls a second as the middle call has it, where one goes after the other: each waits for two processes to be given a processor,
 * and on a busy machine some wait for long. Not for sides of which a few calls do the work of the others.
 */
export function roundsOneByOne(
  sides: Readonly<Record<string, AsyncSide>>,
  { calls, rounds }: Omit<InFlightOptions, "inFlight">,
): Promise<Rounds> {
  return takeRounds(sides, rounds, async (side) => {
    const durations: number[] = [];
    for (let call = 0; call < calls; call++) {
      const start = performance.now();
      await side();
      durations.push(performance.now() - start);
    }
    return 1000 / summarise(durations).median;
  });
}

async function takeRounds(
  sides: Readonly<Record<string, AsyncSide>>,
  rounds: number,
  measure: (side: AsyncSide) => Promise<number>,
): Promise<Rounds> {
  const turn = (): Promise<Record<string, number>> =>
    takeTurns(
      sides,
      (side) => {
        globalThis.gc?.();
        return measure(side);
      },
      Math.random,
    );
  await turn();
  const turns: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) turns.push(await turn());
  return turns;
}

/** One side of the rounds, taken as ours, beside others of them. */
export function beside(rounds: Rounds, ours: string, peers: readonly string[]): Comparison {
  const figure = (round: Readonly<Record<string, number>>, side: string): number => round[side] ?? Number.NaN;
  return contrast(
    rounds.map((round) => ({
      ours: figure(round, ours),
      ...Object.fromEntries(peers.map((peer) => [peer, figure(round, peer)])),
    })),
  );
}
