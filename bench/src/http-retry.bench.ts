// @holdfast/http-retry: its three ways in, beside the library that it stands on and beside other clients.

import { join } from "node:path";
import { type Bench, type Comparison, type Row, summarise } from "./harness.ts";
import { bytesLeftBehind } from "./http-retry/memory.ts";
import { poolComparisons } from "./rate-limiter/pooled.ts";
import { rowOf } from "./rate-limiter/row.ts";

const ALONE = "get(url).json(), one at a time";
const TOGETHER = "get(url).json(), 64 in flight, processor time";

export const bench: Bench = {
  name: "http-retry",
  async run() {
    return [...(await clientRows()), ...(await peerRows()), ...(await faceRows()), ...(await memoryRows())];
  },
};

async function clientRows(): Promise<Row[]> {
  const { alone, together } = await pool("client-speed.ts", 5);
  return [
    row(alone, "undici", `${ALONE}, beside request`, 0.95),
    row(together, "undici", `${TOGETHER}, beside request`, 0.85),
  ];
}

async function peerRows(): Promise<Row[]> {
  const { alone, together } = await pool("peers-speed.ts", 2);
  const peers = ["got", "ky", "axios-retry"];
  return [
    row(together, "undici", `${TOGETHER}, beside fetch`, 1 / 3),
    ...peers.map((peer) => row(together, peer, TOGETHER, 1 / 6)),
    row(alone, "undici", `${ALONE}, beside fetch`),
    ...peers.map((peer) => row(alone, peer, ALONE)),
  ];
}

async function faceRows(): Promise<Row[]> {
  const { interceptor, fetch } = await pool("faces-speed.ts", 3);
  return [
    row(interceptor, "undici", "request through the interceptor, 64 in flight, processor time", 1.1),
    row(fetch, "undici", "fetch, 64 in flight, processor time", 1.05),
  ];
}

async function memoryRows(): Promise<Row[]> {
  const ours = summarise([await bytesLeftBehind()]);
  const name = "growth over a million requests";
  return [{ name, unit: "bytes/request", better: "lower", ours, goal: { of: "ours", atMost: 1 } }];
}

function pool(file: string, rounds: number): Promise<Readonly<Record<string, Comparison>>> {
  return poolComparisons(script(file), { rounds, nodeArguments: ["--expose-gc"] });
}

function row(comparison: Comparison | undefined, peer: string, name: string, atMost?: number): Row {
  if (!comparison) throw new Error(`no script reports "${name}"`);
  const goal = atMost === undefined ? undefined : ({ of: "ratio", atMost } as const);
  return rowOf(comparison, peer, { name, unit: "µs", better: "lower", goal });
}

function script(file: string): string {
  return join(import.meta.dirname, "http-retry", file);
}
