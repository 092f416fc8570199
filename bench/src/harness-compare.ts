// Ours and its peers in one process, turn by turn, so that a machine that slows down slows them all.

import { type Summary, shuffle, summarise } from "./harness-statistics.ts";

/** One operation; it is handed its number, from 0. A promise that it returns is awaited before the next one starts. */
export type Side = (index: number) => unknown;

export interface Sides {
  readonly ours: Side;
  readonly peers: Readonly<Record<string, Side>>;
}

export interface CompareOptions {
  /** Default 15. One more, not counted, goes before them and warms every side up. */
  readonly rounds?: number | undefined;
  /** Operations of each side in each round: enough for a turn of 50 ms or more. */
  readonly iterations: number;
  /** Chooses the order of the sides in each round. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds. Default performance.now. */
  readonly now?: (() => number) | undefined;
}

export interface Comparison {
  readonly ours: Summary;
  readonly peers: Readonly<Record<string, Compared>>;
}

export interface Compared {
  readonly value: Summary;
  /** Ours divided by the peer's. */
  readonly ratio: Summary;
  /** Ours less the peer's. */
  readonly difference: Summary;
}

/** Operations a second of each side, and ours beside each peer's, round by round. */
export async function compare(sides: Sides, options: CompareOptions): Promise<Comparison> {
  const { rounds = 15, iterations, random = Math.random, now = () => performance.now() } = options;
  const all = { ...sides.peers, ours: sides.ours };
  const perSecond = async (side: Side): Promise<number> => {
    globalThis.gc?.();
    const start = now();
    await repeat(side, iterations);
    return iterations / ((now() - start) / 1000);
  };

  await takeTurns(all, perSecond, random);
  const figures: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await takeTurns(all, perSecond, random));
  return contrast(figures);
}

/** One round: each side once, in an order of chance. */
export async function takeTurns<T, Result>(
  sides: Readonly<Record<string, T>>,
  measure: (side: T) => Promise<Result>,
  random: () => number,
): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  for (const [name, side] of shuffle(Object.entries(sides), random)) results[name] = await measure(side);
  return results;
}

/** Summaries of rounds that hold a figure for `ours` and for each peer. */
export function contrast(rounds: readonly Readonly<Record<string, number>>[]): Comparison {
  const figure = (round: Readonly<Record<string, number>>, name: string): number => round[name] ?? Number.NaN;
  const peers = Object.keys(rounds[0] ?? {}).filter((name) => name !== "ours");
  return {
    ours: summarise(rounds.map((round) => figure(round, "ours"))),
    peers: Object.fromEntries(
      peers.map((peer) => [
        peer,
        {
          value: summarise(rounds.map((round) => figure(round, peer))),
          ratio: summarise(rounds.map((round) => figure(round, "ours") / figure(round, peer))),
          difference: summarise(rounds.map((round) => figure(round, "ours") - figure(round, peer))),
        },
      ]),
    ),
  };
}

/**
 * What a side returned last, kept where the compiler can't prove that nobody reads it, so that no work is left out.
 * @public
 */
export let lastResult: unknown;

async function repeat(side: Side, iterations: number): Promise<void> {
  const first = side(0);
  // Synchronous sides are not awaited: a tick of the event loop costs more than many of them.
  if (first instanceof Promise) {
    lastResult = await first;
    for (let index = 1; index < iterations; index++) lastResult = await side(index);
  } else {
    for (let index = 1; index < iterations; index++) lastResult = side(index);
  }
}
