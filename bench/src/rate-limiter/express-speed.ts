// What a middleware adds to a request of Express 5, over real sockets, as the server's process counts its processor time: the wall
// clock would count the client and the network as well. A script of its own.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { contrast, takeTurns } from "../harness-compare.ts";
import { reportComparisons } from "./pooled.ts";

const ROUNDS = 10;
const WARM_UP_ROUNDS = 3;
// A round is many short turns, so that what else the machine does falls on all sides alike.
const TURNS = 40;
const REQUESTS = 250;
const CONNECTIONS = 8;

const server = fork(join(import.meta.dirname, "express-server.ts"), { execArgv: [] });
const [ports] = (await once(server, "message")) as [Readonly<Record<string, number>>];
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const rounds: Record<string, number>[] = [];
for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
  const spent: Record<string, number> = {};
  for (let turn = 0; turn < TURNS; turn++) {
    const microseconds = await takeTurns(ports, microsecondsOf, Math.random);
    for (const [name, one] of Object.entries(microseconds)) spent[name] = (spent[name] ?? 0) + one / TURNS;
  }
  const { none = 0, ...guarded } = spent;
  const added = Object.entries(guarded).map(([name, microseconds]) => [name, microseconds - none]);
  if (round >= WARM_UP_ROUNDS) rounds.push(Object.fromEntries(added));
}
agent.destroy();
server.kill();
reportComparisons({ added: contrast(rounds) });

/** Of the server's processor time, for one request. */
async function microsecondsOf(port: number): Promise<number> {
  const before = await spentBy(server);
  let left = REQUESTS;
  const work = async (): Promise<void> => {
    while (left-- > 0) await request(port);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return ((await spentBy(server)) - before) / REQUESTS;
}

async function spentBy(process: ChildProcess): Promise<number> {
  process.send("how much?");
  const [{ user, system }] = (await once(process, "message")) as [NodeJS.CpuUsage];
  return user + system;
}

function request(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", agent }, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}
