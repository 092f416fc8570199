// A row about one peer of a comparison, so that each peer can have a goal of its own.

import type { Comparison, comparedRows, Row } from "../harness.ts";

type Description = Parameters<typeof comparedRows>[1];

/** `version` for a peer that is no npm package: what stands behind its name in the results. */
export function rowOf({ ours, peers }: Comparison, peer: string, row: Description, version?: string): Row {
  const compared = peers[peer];
  if (!compared) throw new Error(`there is no ${peer} among ${Object.keys(peers).join(", ")}`);
  return { ...row, ours, peer: { name: peer, version, value: compared.value, ratio: compared.ratio } };
}
