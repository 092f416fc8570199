// Requests over connections that are kept alive, one at a time on each, from another process than the server's.

import { connect, type Socket } from "node:net";

const REQUEST = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
/** Every response ends with this body. */
const BODY = "ok";

export interface Load extends Disposable {
  /** Resolves when so many requests have been answered. */
  run(requests: number): Promise<void>;
}

export async function openLoad(port: number, connections: number): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  return {
    async run(requests) {
      let left = requests;
      const take = (): boolean => left-- > 0;
      await Promise.all(sockets.map((socket) => ask(socket, take)));
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.setEncoding("latin1").setNoDelay(true).once("error", reject);
  });
}

/** Sends a request for as long as `take` allows another, each when the one before has been answered. */
function ask(socket: Socket, take: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      socket.off("data", onData).off("close", onClose);
      act();
    };
    const onClose = (): void => settle(() => reject(new Error("the server closed a connection under load")));
    let answer = "";
    const onData = (text: string): void => {
      answer += text;
      if (!answer.endsWith(BODY)) return;
      if (!answer.startsWith("HTTP/1.1 200")) settle(() => reject(new Error(`the server answered: ${answer}`)));
      else next();
    };
    const next = (): void => {
      answer = "";
      if (take()) socket.write(REQUEST);
      else settle(resolve);
    };
    socket.on("data", onData).on("close", onClose);
    next();
  });
}
