// What a server in trouble meets with each policy, simulated; as rows, and as the picture in the docs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Storm, simulateStorm } from "../../../packages/http-retry/test/storm/simulation.ts";
import { comparedRows, type Row, type Summary, summarise } from "../harness.ts";
import { stormPlot } from "./storm-plot.ts";

const PLOT = join(import.meta.dirname, "../../../docs/http-retry-storm.svg");
const SEEDS = [1, 2, 3];

const POLICIES = {
  "no jitter, no budget": { options: { jitter: "none", budget: false }, colour: "#d55e00" },
  "full jitter, no budget": { options: { budget: false }, colour: "#e69f00" },
  "full jitter, budget": { options: {}, colour: "#0072b2" },
  "full jitter, budget, breaker": { options: { breaker: true }, colour: "#009e73" },
} as const;

type PolicyName = keyof typeof POLICIES;

export function stormRows(): Row[] {
  const names = Object.keys(POLICIES) as PolicyName[];
  const storms = new Map(names.map((name) => [name, SEEDS.map((seed) => simulateStorm(POLICIES[name].options, seed))]));
  const of = (name: PolicyName): readonly Storm[] => storms.get(name) ?? [];
  writeFileSync(
    PLOT,
    stormPlot(
      names.flatMap((label) =>
        of(label)
          .slice(0, 1)
          .map((storm) => ({ label, colour: POLICIES[label].colour, storm })),
      ),
    ),
  );

  const ours = of("full jitter, budget");
  const others = (figure: (storm: Storm) => number) => ({
    ours: summarise(ours.map(figure)),
    peers: Object.fromEntries(
      names.filter((name) => of(name) !== ours).map((name) => [name, compared(of(name), ours, figure)]),
    ),
  });
  const low = "while the server is at 10 % for 30 s";
  return [
    ...comparedRows(
      others(({ load }) => load),
      {
        name: `attempts for each request, ${low}`,
        unit: "attempts",
        better: "lower",
        goal: { of: "ours", atMost: 1.25 },
      },
    ),
    ...comparedRows(
      others(({ recoveryMs }) => recoveryMs / 1000),
      { name: "time to recover after it", unit: "s", better: "lower", goal: { of: "ours", atMost: 1 } },
    ),
    ...comparedRows(
      others(({ lost }) => 100 * lost),
      { name: `requests that came to nothing, ${low}`, unit: "%", better: "lower" },
    ),
  ].map((row) => (row.peer ? { ...row, peer: { ...row.peer, version: "as simulated" } } : row));
}

function compared(
  theirs: readonly Storm[],
  ours: readonly Storm[],
  figure: (storm: Storm) => number,
): { readonly value: Summary; readonly ratio: Summary } {
  return {
    value: summarise(theirs.map(figure)),
    ratio: summarise(theirs.map((storm, index) => figure(ours[index] ?? storm) / figure(storm))),
  };
}
