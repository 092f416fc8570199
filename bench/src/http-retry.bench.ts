// @holdfast/http-retry: its three ways in, beside the library that it stands on and beside other clients.

import { join } from "node:path";
import { type Bench, type Comparison, freshProcesses, type Row, summarise } from "./harness.ts";
import { bytesLeftBehind } from "./http-retry/memory.ts";
import { rowOf } from "./rate-limiter/row.ts";

const JSON_CALL = "get(url).json()";
const ALONE = "one at a time";
const TOGETHER = "64 in flight, processor time";

/** What each script reports. */
interface Speeds {
  readonly alone: Comparison;
  readonly together: Comparison;
}

export const bench: Bench = {
  name: "http-retry",
  async run() {
    return [...(await clientRows()), ...(await peerRows()), ...(await faceRows()), ...(await memoryRows())];
  },
};

async function clientRows(): Promise<Row[]> {
  const { alone, together } = await speeds("client", { undici: "undici-request" }, 11);
  return [
    row(alone, "undici", `${JSON_CALL} beside request, ${ALONE}`, 0.95),
    row(together, "undici", `${JSON_CALL} beside request, ${TOGETHER}`, 0.85),
  ];
}

async function peerRows(): Promise<Row[]> {
  const peers = { undici: "undici-fetch", got: "got", ky: "ky", "axios-retry": "axios" };
  const { alone, together } = await speeds("client", peers, 3);
  const name = (peer: string): string => (peer === "undici" ? `${JSON_CALL} beside fetch` : JSON_CALL);
  return [
    ...Object.keys(peers).map((peer) => row(alone, peer, `${name(peer)}, ${ALONE}`)),
    ...Object.keys(peers).map((peer) =>
      row(together, peer, `${name(peer)}, ${TOGETHER}`, peer === "undici" ? 1 / 3 : 1 / 6),
    ),
  ];
}

async function faceRows(): Promise<Row[]> {
  const interceptor = await speeds("interceptor", { undici: "undici-request" }, 3);
  const fetch = await speeds("client-fetch", { undici: "undici-fetch" }, 7);
  return [
    row(interceptor.together, "undici", `request through the interceptor, ${TOGETHER}`, 1.1),
    row(fetch.together, "undici", `fetch, ${TOGETHER}`, 1.05),
  ];
}

async function memoryRows(): Promise<Row[]> {
  const ours = summarise([await bytesLeftBehind()]);
  const name = "growth over a million requests";
  return [{ name, unit: "bytes/request", better: "lower", ours, goal: { of: "ours", atMost: 1 } }];
}

async function speeds(ours: string, peers: Readonly<Record<string, string>>, rounds: number): Promise<Speeds> {
  const script = (name: string): string => join(import.meta.dirname, "http-retry", `speed-${name}.ts`);
  const peerScripts = Object.entries(peers).map(([peer, name]) => [peer, script(name)] as const);
  const scripts = { ours: script(ours), peers: Object.fromEntries(peerScripts) };
  const { alone, together } = await freshProcesses(scripts, { rounds, nodeArguments: ["--expose-gc"] });
  if (!alone || !together) throw new Error("a script reports what it takes alone, and together");
  return { alone, together };
}

function row(comparison: Comparison, peer: string, name: string, atMost?: number): Row {
  const goal = atMost === undefined ? undefined : ({ of: "ratio", atMost } as const);
  return rowOf(comparison, peer, { name, unit: "µs", better: "lower", goal });
}
