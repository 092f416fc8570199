import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { trackConnections } from "../src/connections.ts";

it("a connection whose answer promised to keep it alive is closed when the answer is out", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const connections = trackConnections(server);
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true });
  const asking = get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", agent });
  const [, answer] = (await once(server, "request")) as [IncomingMessage, ServerResponse];
  answer.write("first half, ");
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  expect(response.headers.connection).toBe("keep-alive");
  expect(connections.inFlight()).toBe(1);

  const closed = once(server, "close");
  server.close();
  connections.closeWhenIdle();
  answer.end("second half");
  expect(Buffer.concat(await response.toArray()).toString()).toBe("first half, second half");
  await closed;
  expect(connections.inFlight()).toBe(0);
});
