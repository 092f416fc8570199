// Comparisons made in several processes: each compiles the hot paths in its own way and lays out memory in its own, and
// what one of them measures again and again may be its own luck.

import { type Comparison, type FreshProcessOptions, freshProcesses, report } from "../harness.ts";

type Comparisons = Readonly<Record<string, Comparison>>;

/** Called by the script: hands over the medians of its comparisons. No name in them has a space. */
export function reportComparisons(comparisons: Comparisons): void {
  const figures: Record<string, number> = {};
  for (const [name, { ours, peers }] of Object.entries(comparisons)) {
    for (const [peer, { value, ratio, difference }] of Object.entries(peers)) {
      const medians = { ours, value, ratio, difference };
      for (const [kind, { median }] of Object.entries(medians)) figures[`${name} ${peer} ${kind}`] = median;
    }
  }
  report(figures);
}

/** The comparisons that the script reports, over `rounds` processes. */
export async function poolComparisons(script: string, options: FreshProcessOptions): Promise<Comparisons> {
  const figures = await freshProcesses({ ours: script, peers: {} }, options);
  const pooled: Record<string, Comparison> = {};
  for (const figure of Object.keys(figures)) {
    const [name = "", peer = "", kind] = figure.split(" ");
    if (kind !== "ours") continue;
    const summary = (kind: string) => summaryOf(figures, `${name} ${peer} ${kind}`);
    const compared = { value: summary("value"), ratio: summary("ratio"), difference: summary("difference") };
    pooled[name] = { ours: summary("ours"), peers: { ...pooled[name]?.peers, [peer]: compared } };
  }
  return pooled;
}

function summaryOf(figures: Comparisons, name: string): Comparison["ours"] {
  const figure = figures[name];
  if (!figure) throw new Error(`the script does not report "${name}"`);
  return figure.ours;
}
