// What a benchmark hands back: rows, each with a figure of ours and perhaps a peer's and a goal.

import type { Compared } from "./harness-compare.ts";
import type { Summary } from "./harness-statistics.ts";

/** A file bench/src/NAME.bench.ts exports `bench: Bench`, and `pnpm bench NAME` runs it. */
export interface Bench {
  readonly name: string;
  run(): Promise<readonly Row[]>;
}

export type Row = Measured & (HigherIsBetter | LowerIsBetter);

interface Measured {
  /** What is measured: `"consume, in memory"`. */
  readonly name: string;
  /** Of `ours` and of the peer's value: `"ops/s"`, `"ms"`, `"bytes/key"`. */
  readonly unit: string;
  readonly ours: Summary;
  readonly peer?: Peer | undefined;
}

export interface Peer {
  /** The npm name where it is a package of bench/package.json, so that its version is found. */
  readonly name: string;
  /** For a peer that is no npm package. Default: the version that is installed. */
  readonly version?: string | undefined;
  readonly value: Summary;
  /** Ours divided by the peer's, round by round. */
  readonly ratio: Summary;
}

interface HigherIsBetter {
  readonly better: "higher";
  readonly goal?: Bound<"atLeast"> | undefined;
}

interface LowerIsBetter {
  readonly better: "lower";
  readonly goal?: Bound<"atMost"> | undefined;
}

type Bound<Direction extends string> = { readonly of: "ratio" | "ours" } & Readonly<Record<Direction, number>>;

/** A bound on the median: of `ratio`, which takes a peer, or of `ours`, in the row's unit. A row without a goal is shown. */
export type Goal = Bound<"atLeast"> | Bound<"atMost">;

/** One row for each peer of a comparison. */
export function comparedRows(
  comparison: { readonly ours: Summary; readonly peers: Readonly<Record<string, Pick<Compared, "value" | "ratio">>> },
  row: { readonly name: string; readonly unit: string } & (HigherIsBetter | LowerIsBetter),
): Row[] {
  return Object.entries(comparison.peers).map(([name, { value, ratio }]) => ({
    ...row,
    ours: comparison.ours,
    peer: { name, value, ratio },
  }));
}
