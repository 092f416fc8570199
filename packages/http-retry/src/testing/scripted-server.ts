// The server itself: on sockets rather than node:http, which would not let it break a response at any byte it likes.

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, systemClock } from "@holdfast/core";
import { serveConnection } from "./connection.ts";
import type { ReceivedRequest, Script, Step } from "./step.ts";

export interface ScriptedServerOptions {
  /** For delays, drips and `receivedAt`. Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface ScriptedServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: it listens on loopback alone, at a port that was free. */
  readonly origin: string;
  readonly port: number;
  /** All that have come, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** How many connections have been made. */
  readonly connections: number;
  /** How many of them are open. */
  readonly openConnections: number;
  /** Resolves to the requests once there are `count` of them: their headers, not yet their bodies. Rejects when the server is closed first. */
  waitForRequests(count: number): Promise<readonly ReceivedRequest[]>;
  /**
   * Ends every connection and stops listening: from then on connections are refused. Rejects with what a function of the
   * script threw, or with what was wrong with a request that is not HTTP/1.1; both reset their connection.
   */
  close(): Promise<void>;
}

/**
 * Starts a server that answers each request by the next step of its script, and keeps what it was sent.
 *
 * @example
 * await using server = await startScriptedServer([
 *   { status: 503, headers: { "retry-after": "1" } },
 *   { body: "0123456789", headers: { etag: '"v1"' }, cut: { afterBytes: 4, of: "body" } },
 *   { body: "0123456789", headers: { etag: '"v1"' }, ranges: true },
 * ]);
 * const text = await client.get(server.origin).text();
 * server.requests.map(({ headers }) => headers.range); // [undefined, undefined, "bytes=4-"]
 */
export async function startScriptedServer(
  script: Script = {},
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const { clock = systemClock } = options;
  const steps = Array.isArray(script) ? (script as readonly Step[]) : [script as Step];
  const requests: ReceivedRequest[] = [];
  const open = new Set<Socket>();
  const waiting = new Set<Waiting>();
  let connections = 0;
  let failure: { readonly error: unknown } | undefined;

  // Without delay, or bytes before a reset might still be held back and go with it.
  const listener = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    serveConnection(socket, {
      number: ++connections,
      clock,
      admit(request) {
        requests.push(request);
        for (const one of waiting) if (one.count === requests.length) one.resolve(requests);
        return { number: requests.length, step: steps[Math.min(requests.length, steps.length) - 1] ?? {} };
      },
      fail(error) {
        failure ??= { error };
      },
    });
  });
  const { port } = await listen(listener);

  const server: ScriptedServer = {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return open.size;
    },
    waitForRequests(count) {
      if (requests.length >= count) return Promise.resolve(requests);
      if (!listener.listening) return Promise.reject(closedEarly(count, requests.length));
      const { promise, resolve, reject } = Promise.withResolvers<readonly ReceivedRequest[]>();
      waiting.add({ count, resolve, reject });
      return promise;
    },
    async close() {
      const closed = listener.listening ? once(listener, "close") : undefined;
      listener.close();
      for (const socket of open) socket.destroy();
      for (const one of waiting) one.reject(closedEarly(one.count, requests.length));
      await closed;
      if (failure) throw failure.error;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;
}

interface Waiting {
  readonly count: number;
  resolve(requests: readonly ReceivedRequest[]): void;
  reject(error: Error): void;
}

function closedEarly(wanted: number, got: number): Error {
  return new Error(`the server was closed after ${got} requests, before ${wanted} had come`);
}

async function listen(listener: Server): Promise<AddressInfo> {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener.address() as AddressInfo;
}
