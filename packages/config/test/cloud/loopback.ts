// The loopback HTTP server under the stand-ins for the vendors' APIs: keeps what it received, and can be told to fail.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { silentLogger, systemClock } from "@holdfast/core";
import type { Source, SourceResult } from "../../src/source.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string goes out as it is, anything else as JSON. */
  readonly body: unknown;
}

/** `cut` closes the connection without an answer; `hang` never answers. */
export type Fault = "cut" | "hang" | Reply;

export interface Loopback extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** The most requests that waited for an answer at once. */
  readonly peak: number;
  /** The next requests meet these, in order, instead of their answer. */
  failNext(...faults: Fault[]): void;
  /** Keeps every request waiting until the function that it returns is called. */
  hold(): () => void;
  /** Resolves once `count` requests have come in. */
  arrived(count: number): Promise<void>;
  /** Resolves once `count` requests were given up by their client. */
  givenUp(count: number): Promise<void>;
}

export async function listen(answer: (request: Received) => Reply): Promise<Loopback> {
  const received: Received[] = [];
  const faults: Fault[] = [];
  let held: Promise<void> = Promise.resolve();
  let waiting = 0;
  let peak = 0;
  let givenUp = 0;
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        if (!condition()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });

  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const exchange = { method: request.method ?? "", path: request.url ?? "", headers: request.headers };
    const seen: Received = { ...exchange, body: await text(request) };
    received.push(seen);
    peak = Math.max(peak, ++waiting);
    response.once("close", () => {
      waiting--;
      if (!response.writableFinished) givenUp++;
      changed();
    });
    changed();
    await held;
    const fault = faults.shift();
    if (fault === "hang") return;
    if (fault === "cut") {
      request.socket.destroy();
      return;
    }
    const { status = 200, headers = {}, body } = fault ?? answer(seen);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received,
    get peak() {
      return peak;
    },
    failNext: (...next) => {
      faults.push(...next);
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    arrived: (count) => until(() => received.length >= count),
    givenUp: (count) => until(() => givenUp >= count),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Asks a source as the loader does. */
export async function load(
  source: Source,
  names: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<SourceResult> {
  return source.load(names, { signal, clock: systemClock, logger: silentLogger });
}

/** What a load rejects with; fails when it resolves. */
export async function failureOf(loading: Promise<unknown>): Promise<unknown> {
  const result = await loading.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  if ("value" in result) throw new Error("the load should have failed");
  return result.reason;
}
