// Servers on a free loopback port, and requests written to the byte.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, type Server } from "node:net";
import { onTestFinished } from "vitest";

/** Listens until the test is over; resolves to the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends the lines of a request's head as they are, and reads until the server closes. */
export async function send(port: number, lines: readonly string[]): Promise<RawResponse> {
  const socket = connect(port, "127.0.0.1");
  socket.write([...lines, "Connection: close", "", ""].join("\r\n"));
  let text = "";
  for await (const chunk of socket) text += chunk;
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...fields] = head.split("\r\n");
  const headers = new Headers(fields.map((field) => field.split(/: ?/, 2) as [string, string]));
  return { status: Number(statusLine.split(" ")[1]), headers, body: rest.join("\r\n\r\n") };
}
