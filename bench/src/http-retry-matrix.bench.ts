// @holdfast/http-retry against servers that misbehave, beside its peers: not how fast, but how often right.
// Writes docs/http-retry-matrix.md.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, type Row, summarise } from "./harness.ts";
import type { Entry } from "./http-retry/matrix-ask.ts";
import { ours } from "./http-retry/matrix-ours.ts";
import { countRight, matrixPage } from "./http-retry/matrix-page.ts";
import { peers } from "./http-retry/matrix-peers.ts";
import { runMatrix, type Verdict } from "./http-retry/matrix-run.ts";

const PAGE = join(import.meta.dirname, "../../docs/http-retry-matrix.md");

export const bench: Bench = {
  name: "http-retry-matrix",
  async run() {
    const verdicts = await runMatrix();
    writeFileSync(PAGE, matrixPage(verdicts, versionOf));
    return [...ours.map((entry) => ourRow(verdicts, entry)), ...peers.map((entry) => peerRow(verdicts, entry))];
  },
};

function ourRow(verdicts: readonly Verdict[], ours: Entry): Row {
  const own = verdicts.filter(({ entry }) => entry === ours);
  for (const { case: one, fault } of own) if (fault !== undefined) console.log(`${ours.name}, ${one.name}: ${fault}`);
  return {
    name: `${ours.name}, right of ${own.length}`,
    unit: "cases",
    better: "higher",
    ours: summarise([countRight(verdicts, ours)]),
    goal: { of: "ours", atLeast: own.length },
  };
}

function peerRow(verdicts: readonly Verdict[], peer: Entry): Row {
  const [client] = ours.map((entry) => countRight(verdicts, entry));
  const right = countRight(verdicts, peer);
  return {
    name: "client, right",
    unit: "cases",
    better: "higher",
    ours: summarise([client ?? 0]),
    peer: {
      name: peer.name,
      version: peer.packages.includes(peer.name) ? undefined : `of ${versionOf(peer)}`,
      value: summarise([right]),
      ratio: summarise([(client ?? 0) / right]),
    },
  };
}

function versionOf({ packages }: Entry): string {
  const versions = packages.map((name) => {
    const manifest = readFileSync(join(import.meta.dirname, "../node_modules", name, "package.json"), "utf8");
    return `${name} ${(JSON.parse(manifest) as { readonly version: string }).version}`;
  });
  return versions.join(", ") || "this one";
}
