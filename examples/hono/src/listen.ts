// A handler on a port.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";

export interface Listening {
  readonly port: number;
  /** Takes no new connection, and resolves when all requests in flight are answered. */
  close(): Promise<void>;
}

type Handler = (request: Request) => Response | Promise<Response>;

export async function listen(handler: Handler, port: number, host: string): Promise<Listening> {
  const server = createServer(getRequestListener(handler));
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
