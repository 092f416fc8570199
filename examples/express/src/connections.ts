// Which sockets are at work and which are only kept open. node:http knows too, but takes a socket that has not yet sent
// anything, as browsers and balancers open in advance, for one at work, and would wait for it.

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Connections {
  /** Requests that have come and are not yet answered in full. */
  inFlight(): number;
  /** Closes what is idle now, and every other socket as soon as its answer is out. */
  closeWhenIdle(): void;
  /** Closes every socket, and says how many requests that cut off. */
  cut(): number;
}

export function trackConnections(server: Server): Connections {
  const open = new Map<Socket, Set<ServerResponse>>();
  let closing = false;

  server.on("connection", (socket) => {
    open.set(socket, new Set());
    socket.once("close", () => open.delete(socket));
  });
  server.on("request", ({ socket }, response) => {
    const pending = open.get(socket);
    pending?.add(response);
    response.once("close", () => {
      pending?.delete(response);
      if (closing && pending?.size === 0) socket.end();
    });
  });

  const inFlight = (): number => {
    let count = 0;
    for (const pending of open.values()) count += pending.size;
    return count;
  };

  return {
    inFlight,
    closeWhenIdle() {
      closing = true;
      for (const [socket, pending] of open) {
        if (pending.size === 0) socket.destroy();
        // Tells the client not to send another request on a socket that is about to close.
        for (const response of pending) if (!response.headersSent) response.setHeader("Connection", "close");
      }
    },
    cut() {
      const lost = inFlight();
      for (const socket of open.keys()) socket.destroy();
      return lost;
    },
  };
}
