// A TCP proxy on loopback that misbehaves as a network does, when told to.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { LOOPBACK } from "./servers/loopback.ts";

/** Faults hold for the connections that exist and for those to come, until `heal`. Delay and throttle go together. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many clients are connected. */
  readonly connections: number;
  /** What arrives from now on is passed on this much later, in order, each way. */
  delay(ms: number): void;
  /** Passes on at most this much, each way of each connection. */
  throttle(bytesPerSecond: number): void;
  /** Resets every connection and refuses new ones. */
  cut(): void;
  /** As if the other side had lost its power: connects, takes what is sent, and nothing ever comes back, not even an end. */
  halfOpen(): void;
  /** Passes everything on again. Connections that have lost bytes to `halfOpen` are reset: they could never be whole again. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

interface Faults {
  delayMs: number;
  bytesPerSecond: number;
  halfOpen: boolean;
}

const NO_FAULTS: Faults = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, halfOpen: false };

/** Starts a proxy in front of a server. Clients connect to the proxy's own `port`. */
export async function startFaultProxy(target: { readonly port: number; readonly host?: string }): Promise<FaultProxy> {
  const faults = { ...NO_FAULTS };
  const links = new Set<Link>();
  const accept = (client: Socket): void => {
    const link = createLink(client, connect({ host: LOOPBACK, ...target, allowHalfOpen: true }), faults);
    links.add(link);
    link.ended.addEventListener("abort", () => links.delete(link));
  };
  let listener = await listen(accept, 0);
  const { port } = listener.address() as AddressInfo;
  const resetAll = (): void => {
    for (const link of links) link.reset();
  };

  const proxy: FaultProxy = {
    host: LOOPBACK,
    port,
    get connections() {
      return links.size;
    },
    delay(ms) {
      faults.delayMs = ms;
    },
    throttle(bytesPerSecond) {
      faults.bytesPerSecond = bytesPerSecond;
    },
    cut() {
      // To the system a listener that is closed is a port that refuses.
      listener.close();
      resetAll();
    },
    halfOpen() {
      faults.halfOpen = true;
      for (const link of links) link.swallows = true;
    },
    async heal() {
      Object.assign(faults, NO_FAULTS);
      for (const link of links) if (link.swallows) link.reset();
      if (!listener.listening) listener = await listen(accept, port);
    },
    async close() {
      const closed = listener.listening ? once(listener, "close") : undefined;
      listener.close();
      resetAll();
      await closed;
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
  return proxy;
}

async function listen(accept: (client: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept);
  server.listen(port, LOOPBACK);
  await once(server, "listening");
  return server;
}

/** One client and its connection to the target. */
interface Link {
  /** Loses whatever either side sends; for good, since what is lost leaves a hole. */
  swallows: boolean;
  readonly ended: AbortSignal;
  reset(): void;
}

function createLink(client: Socket, target: Socket, faults: Faults): Link {
  const end = new AbortController();
  const link: Link = {
    swallows: faults.halfOpen,
    ended: end.signal,
    reset() {
      client.resetAndDestroy();
      target.resetAndDestroy();
    },
  };
  const endIfClosed = (): void => {
    if (client.closed && target.closed) end.abort();
  };
  client.on("close", endIfClosed).on("error", link.reset);
  target.on("close", endIfClosed).on("error", () => {
    // A side without power can't tell the other that it has failed.
    if (!link.swallows) link.reset();
  });
  relay(client, target, link, faults);
  relay(target, client, link, faults);
  return link;
}

/** How much may be on its way before we stop reading, so that a slow reader slows its writer as it would without us. */
const WINDOW_BYTES = 1024 * 1024;

/** How often a throttled connection moves. */
const THROTTLE_STEP_MS = 20;

function relay(from: Socket, to: Socket, link: Link, faults: Faults): void {
  const lasts = { signal: link.ended };
  let bytesOnTheirWay = 0;
  let previous: Promise<void> = Promise.resolve();
  const later = (job: () => Promise<void> | void): void => {
    const due = performance.now() + faults.delayMs;
    const inTurn = async (before: Promise<void>): Promise<void> => {
      await before;
      await waitUntil(due, lasts);
      await job();
    };
    // Rejects when the link has ended, and then nobody waits for the rest.
    previous = inTurn(previous).catch(() => {});
  };
  const send = async (chunk: Buffer): Promise<void> => {
    for (let at = 0; at < chunk.length && !link.swallows; ) {
      const { bytesPerSecond } = faults;
      const slice = chunk.subarray(at, at + Math.max(1, (bytesPerSecond * THROTTLE_STEP_MS) / 1000));
      await new Promise((written) => to.write(slice, written));
      at += slice.length;
      if (bytesPerSecond < Number.POSITIVE_INFINITY)
        await waitUntil(performance.now() + (slice.length / bytesPerSecond) * 1000, lasts);
    }
  };
  from.on("data", (chunk) => {
    bytesOnTheirWay += chunk.length;
    if (bytesOnTheirWay > WINDOW_BYTES) from.pause();
    later(async () => {
      await send(chunk);
      bytesOnTheirWay -= chunk.length;
      from.resume();
    });
  });
  from.on("end", () =>
    later(() => {
      if (!link.swallows) to.end();
    }),
  );
}

/** By performance.now(). Waits again and again, because a timer of Node can fire a fraction of a millisecond early. */
async function waitUntil(due: number, lasts: { readonly signal: AbortSignal }): Promise<void> {
  while (performance.now() < due) await wait(Math.ceil(due - performance.now()), undefined, lasts);
}
