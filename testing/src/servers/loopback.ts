// Ports and one-question conversations on loopback.

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export const LOOPBACK = "127.0.0.1";

// Below the range that Linux (32768) and macOS (49152) take for outgoing connections: while a server is down, no client may
// be given its port, least of all a client that is just trying to connect to it and so would talk to itself.
const LOWEST_PORT = 16_000;
const HIGHEST_PORT = 32_000;

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/** Sends bytes and resolves to the first bytes of the answer; to an empty text if there is no answer within a second. */
export async function ask(port: number, question: string | Uint8Array): Promise<string> {
  const socket = connect(port, LOOPBACK);
  try {
    socket.write(question);
    const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(1000) })) as [Buffer];
    return answer.toString("latin1");
  } catch {
    return "";
  } finally {
    socket.destroy();
  }
}

const UNTIL_DEADLINE_MS = 30_000;
const UNTIL_STEP_MS = 20;

/** Looks again and again until it is so; gives up after 30 s. `what` completes the sentence "gave up waiting until ...". */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + UNTIL_DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`gave up waiting until ${what}`);
    await wait(UNTIL_STEP_MS);
  }
}
