// The memory store: calls, weight, pauses and garbage, each measured by scripts in processes of their own.

import { join } from "node:path";
import { type Comparison, freshProcesses, type Row } from "../harness.ts";
import { MAP, MAP_SOURCE } from "./map-bucket.ts";
import { poolComparisons } from "./pooled.ts";
import { rowOf } from "./row.ts";

const FLEXIBLE = "rate-limiter-flexible";
const EXPRESS = "express-rate-limit";
const MILLION = "a million keys";

export async function memoryRows(): Promise<Row[]> {
  return [...(await speedRows()), ...(await fillRows()), ...(await longestRows()), ...(await allocationRows())];
}

async function speedRows(): Promise<Row[]> {
  const onOne = await poolComparisons(script("speed-on-one.ts"), { rounds: 7, nodeArguments: ["--expose-gc"] });
  const onMany = await poolComparisons(script("speed-on-many.ts"), { rounds: 3, nodeArguments: ["--expose-gc"] });
  const row = (comparison: Comparison, name: string, peer: string, atLeast: number, version?: string): Row =>
    rowOf(comparison, peer, { name, unit: "ops/s", better: "higher", goal: { of: "ratio", atLeast } }, version);
  return [
    row(figureOf(onOne, "sync"), "consumeSync, one hot key", MAP, 0.9, MAP_SOURCE),
    row(figureOf(onMany, "sync"), "consumeSync, 100,000 keys", MAP, 1.3, MAP_SOURCE),
    row(figureOf(onOne, "async"), "consume, awaited, one hot key", FLEXIBLE, 3),
    row(figureOf(onOne, "async"), "consume, awaited, one hot key", EXPRESS, 1),
    row(figureOf(onMany, "async"), "consume, awaited, 100,000 keys", FLEXIBLE, 3),
    row(figureOf(onMany, "async"), "consume, awaited, 100,000 keys", EXPRESS, 1),
  ];
}

async function fillRows(): Promise<Row[]> {
  const fills = await freshProcesses(
    {
      ours: script("fill-holdfast.ts"),
      peers: { [MAP]: script("fill-map.ts"), [FLEXIBLE]: script("fill-flexible.ts") },
    },
    { rounds: 2, nodeArguments: ["--expose-gc"] },
  );
  const bytes = figureOf(fills, "bytes");
  const inserts = figureOf(fills, "insertsPerSecond");
  const pause = figureOf(fills, "gcMs");
  const weight = { name: `${MILLION}, in memory`, unit: "bytes/key", better: "lower" } as const;
  const speed = { name: `${MILLION}, each new`, unit: "keys/s", better: "higher" } as const;
  const collection = { name: `${MILLION}, pause of a full collection`, unit: "ms", better: "lower" } as const;
  return [
    rowOf(bytes, FLEXIBLE, { ...weight, goal: { of: "ours", atMost: 48 } }),
    rowOf(bytes, MAP, weight, MAP_SOURCE),
    rowOf(inserts, FLEXIBLE, { ...speed, goal: { of: "ratio", atLeast: 4 } }),
    rowOf(inserts, MAP, speed, MAP_SOURCE),
    rowOf(pause, FLEXIBLE, { ...collection, goal: { of: "ratio", atMost: 1 / 20 } }),
    rowOf(pause, MAP, collection, MAP_SOURCE),
  ];
}

async function longestRows(): Promise<Row[]> {
  const calls = await freshProcesses(
    { ours: script("longest-holdfast.ts"), peers: { [MAP]: script("longest-map.ts") } },
    { rounds: 2, nodeArguments: ["--expose-gc"] },
  );
  const row = (figure: string, name: string): Row =>
    rowOf(figureOf(calls, figure), MAP, { name: `${MILLION}, ${name}`, unit: "ms", better: "lower" }, MAP_SOURCE);
  return [row("p9999Ms", "99.99 of 100 calls within"), row("longestMs", "longest call")];
}

async function allocationRows(): Promise<Row[]> {
  const nursery = ["--min-semi-space-size=128", "--max-semi-space-size=128"];
  const allocated = await poolComparisons(script("allocation.ts"), {
    rounds: 3,
    nodeArguments: ["--expose-gc", ...nursery],
  });
  const row = (figure: string, name: string, peer: string, version?: string): Row =>
    rowOf(figureOf(allocated, figure), peer, { name, unit: "bytes/call", better: "lower" }, version);
  return [
    row("sync", "garbage of consumeSync, its key included", MAP, MAP_SOURCE),
    row("async", "garbage of consume, awaited, its key included", FLEXIBLE),
    row("async", "garbage of consume, awaited, its key included", EXPRESS),
  ];
}

function script(file: string): string {
  return join(import.meta.dirname, file);
}

function figureOf(comparisons: Readonly<Record<string, Comparison>>, name: string): Comparison {
  const comparison = comparisons[name];
  if (!comparison) throw new Error(`there is no ${name} among ${Object.keys(comparisons).join(", ")}`);
  return comparison;
}
