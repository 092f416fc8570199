// @holdfast/config: what it adds to the start of a service, and whether it keeps a mistyped secret to itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildHoldfast } from "./config/holdfast-build.ts";
import { leakRows } from "./config/leaks.ts";
import { type Bench, comparedRows, freshProcesses, type Row } from "./harness.ts";

const script = (file: string): string => join(import.meta.dirname, "config", file);

const HOLDFAST = script("holdfast.ts");
const HOLDFAST_ALONE = script("holdfast-alone.ts");
const ZOD = { zod: script("zod.ts") };
const T3 = { "@t3-oss/env-core": script("t3-env.ts") };
const ZNV = join(import.meta.dirname, "../peers/znv");
const OTHERS = {
  envalid: script("envalid.ts"),
  znv: join(ZNV, "znv.ts"),
  convict: script("convict.ts"),
};

export const bench: Bench = {
  name: "config",
  async run() {
    using _build = await buildHoldfast();
    return [
      ...(await startRows()),
      ...(await startAloneRows()),
      ...(await secondLoadRows()),
      ...(await leakRows([HOLDFAST, HOLDFAST_ALONE], { ...ZOD, ...T3, ...OTHERS })),
    ];
  },
};

/** Goals are set on processor time, because the wall clock of a start is half made of what else the machine does. */
async function startRows(): Promise<Row[]> {
  const { processor, wall } = await freshProcesses({ ours: HOLDFAST, peers: { ...ZOD, ...T3 } }, { rounds: 25 });
  if (!processor || !wall) throw new Error("a start reports its processor and its wall time");
  const { zod: bareZod, "@t3-oss/env-core": t3 } = processor.peers;
  if (!bareZod || !t3) throw new Error("a start has bare zod and t3-env beside it");
  return [
    {
      name: "start with 25 zod schemas, added to bare zod",
      unit: "ms",
      better: "lower",
      ours: bareZod.difference,
      goal: { of: "ours", atMost: 5 },
    },
    {
      name: "start with 25 zod schemas, import and first load",
      unit: "ms",
      better: "lower",
      ours: processor.ours,
      peer: { name: "@t3-oss/env-core", ...t3 },
      goal: { of: "ratio", atMost: 1 },
    },
    ...comparedRows(wall, { name: "the same by the wall clock", unit: "ms", better: "lower" }),
  ];
}

async function startAloneRows(): Promise<Row[]> {
  const { processor } = await freshProcesses({ ours: HOLDFAST_ALONE, peers: OTHERS }, { rounds: 11 });
  if (!processor) throw new Error("a start reports its processor time");
  const rows = comparedRows(processor, { name: "start with 25 schemas of its own", unit: "ms", better: "lower" });
  // znv is installed apart from the others.
  return rows.map((row) => (row.peer?.name === "znv" ? { ...row, peer: { ...row.peer, version: znvVersion() } } : row));
}

function znvVersion(): string {
  const manifest = readFileSync(join(ZNV, "node_modules/znv/package.json"), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

async function secondLoadRows(): Promise<Row[]> {
  const { again } = await freshProcesses({ ours: HOLDFAST, peers: T3 }, { rounds: 11, scriptArguments: ["again"] });
  if (!again) throw new Error("a library that loads again reports how often it did in a second");
  return comparedRows(again, {
    name: "25 zod schemas, loaded again",
    unit: "loads/s",
    better: "higher",
    goal: { of: "ratio", atLeast: 1 },
  });
}
