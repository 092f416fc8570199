// What a row of figures says: its middle, its spread, and the order in which sides take their turn.

/** The middle half of a set of figures. The median and quartiles stand firm where one round met a busy machine. */
export interface Summary {
  readonly median: number;
  /** First quartile. */
  readonly low: number;
  /** Third quartile. */
  readonly high: number;
  readonly rounds: number;
}

/** @throws RangeError when there is no figure, or one that is not finite: it would make every number after it meaningless */
export function summarise(figures: readonly number[]): Summary {
  if (figures.length === 0) throw new RangeError("there is no figure to summarise");
  const odd = figures.find((figure) => !Number.isFinite(figure));
  if (odd !== undefined) throw new RangeError(`${odd} is not a figure that can be summarised`);
  const sorted = [...figures].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    rounds: sorted.length,
  };
}

/** Hyndman and Fan's definition 7, as in R, NumPy and spreadsheets: a straight line between the two nearest figures. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Fisher and Yates: every order is as likely as any other. */
export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}
