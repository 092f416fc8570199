// What a request takes, in microseconds, by one client in a process of its own.

import { setTimeout as wait } from "node:timers/promises";
import { report, summarise } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { startKeepAliveServer } from "./server.ts";

/** One request, to the end of its body. */
export type Ask = () => Promise<unknown>;

const ALONE = 5_000;
const TOGETHER = 20_000;
// The middle one counts: the machine itself may be twice as slow in one second as in the next.
const TURNS = 5;
const IN_FLIGHT = 64;
// All of undici and of what stands on it is compiled after some 15 000 requests.
const WARM_UP = 20_000;
const WARM_UP_TURNS = 5;

/** Called by a script for its client. */
export async function reportSpeed(create: (url: string) => Ask): Promise<void> {
  using server = await startKeepAliveServer();
  const ask = create(server.url);
  report({ alone: await alone(ask), together: await together(ask) });
  // Some clients keep their connections open, and with them the process.
  process.exit();
}

/** Of the thread's own time: what bounds how many requests it can make. */
async function together(ask: Ask): Promise<number> {
  await warmUp(ask, IN_FLIGHT);
  const turns: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const start = processorMs();
    await askTogether(ask, TOGETHER, IN_FLIGHT);
    turns.push(((processorMs() - start) * 1000) / TOGETHER);
  }
  return summarise(turns).median;
}

/** From one end to the other, as the middle request has it: on a busy machine, some wait long for a processor. */
async function alone(ask: Ask): Promise<number> {
  await warmUp(ask, 1);
  const durations: number[] = [];
  for (let call = 0; call < ALONE; call++) {
    const start = performance.now();
    await ask();
    durations.push((performance.now() - start) * 1000);
  }
  return summarise(durations).median;
}

/** The compiler works beside the calls, and on a busy machine takes its time. */
async function warmUp(ask: Ask, inFlight: number): Promise<void> {
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    await askTogether(ask, WARM_UP / WARM_UP_TURNS, inFlight);
    await wait(50);
  }
}

export async function askTogether(ask: Ask, calls: number, inFlight: number): Promise<void> {
  let left = calls;
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}
