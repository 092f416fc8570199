// @holdfast/embed-token: what its checks cost beside jose's own.

import { bareJose, holdfast, type TokenSide } from "./embed-token/tokens.ts";
import { type Bench, compare, comparedRows, type Row, type Side } from "./harness.ts";

/** At most 1.1 times the time is at least this many of the operations. */
const GOAL = { of: "ratio", atLeast: 1 / 1.1 } as const;
// Turns of 200 ms: a collection goes before each, and in turns of 25 ms the same code had 0.87 of the speed of jose, in place of 0.96.
const TURNS = { iterations: 2000, rounds: 31 };

export const bench: Bench = {
  name: "embed-token",
  async run() {
    const [ours, jose] = [holdfast(), await bareJose()];
    const token = await ours.issue();
    return [
      ...(await rows("issue", ours, jose, (side) => () => side.issue())),
      ...(await rows("verify", ours, jose, (side) => () => accepted(side, token))),
    ];
  },
};

async function rows(name: string, ours: TokenSide, jose: TokenSide, act: (side: TokenSide) => Side): Promise<Row[]> {
  const comparison = await compare({ ours: act(ours), peers: { jose: act(jose) } }, TURNS);
  return comparedRows(comparison, { name, unit: "tokens/s", better: "higher", goal: GOAL });
}

async function accepted(side: TokenSide, token: string): Promise<void> {
  if (!(await side.verify(token))) throw new Error("a good token was refused");
}
