import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../src/fault-proxy.ts";

// These tests measure the proxy's own time, so they are the few that let real time pass.

let echo: Server;
let proxy: FaultProxy;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.on("error", () => {}).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await startFaultProxy({ port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.close();
  echo.close();
});

async function dial(): Promise<Socket> {
  const client = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
  clients.push(client);
  await once(client, "connect");
  return client;
}

async function read(client: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(chunks);
}

async function roundTripMs(client: Socket): Promise<number> {
  const start = performance.now();
  client.write("ping");
  expect((await read(client, 4)).toString()).toBe("ping");
  return performance.now() - start;
}

const failure = async (client: Socket): Promise<string> => {
  const [error] = (await once(client, "close").then(
    () => [],
    (error) => [error],
  )) as [NodeJS.ErrnoException?];
  return error?.code ?? "none";
};

test("passes everything on, in order, both ways, and the end after it", async () => {
  const client = await dial();
  const sent = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => i % 251));
  client.end(sent);
  const received = await read(client, Number.POSITIVE_INFINITY);
  expect(received.equals(sent)).toBe(true);
});

test("delays each way", async () => {
  const client = await dial();
  proxy.delay(60);
  expect(await roundTripMs(client)).toBeGreaterThanOrEqual(120);
});

test("delays without holding up what follows: ten messages take the time of one", async () => {
  const client = await dial();
  proxy.delay(400);
  const start = performance.now();
  for (let i = 0; i < 10; i++) {
    client.write(String(i));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect((await read(client, 10)).toString()).toBe("0123456789");
  // Twice 400 ms and a little; one after the other they would take eleven times 400.
  expect(performance.now() - start).toBeLessThan(10 * 400);
});

test("keeps the order when a shorter delay follows a longer one", async () => {
  const client = await dial();
  proxy.delay(80);
  client.write("first ");
  await new Promise((resolve) => setTimeout(resolve, 10));
  proxy.delay(0);
  client.write("second");
  expect((await read(client, 12)).toString()).toBe("first second");
});

test("throttles to at most the given rate", async () => {
  const client = await dial();
  proxy.throttle(100_000);
  const start = performance.now();
  client.write(Buffer.alloc(20_000));
  await read(client, 20_000);
  expect(performance.now() - start).toBeGreaterThanOrEqual(180);
});

test("resets connections when cut", async () => {
  const client = await dial();
  await roundTripMs(client);
  proxy.cut();
  expect(await failure(client)).toBe("ECONNRESET");
  expect(proxy.connections).toBe(0);
});

test("refuses connections while cut, and takes them on the same port when healed", async () => {
  proxy.cut();
  await expect(dial()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await proxy.heal();
  await roundTripMs(await dial());
});

test("half-open, it connects and takes bytes, and nothing comes back", async () => {
  proxy.halfOpen();
  const client = await dial();
  let heard = false;
  client
    .on("data", () => {
      heard = true;
    })
    .on("end", () => {
      heard = true;
    });
  await new Promise<void>((written) => client.end("anyone there?", () => written()));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard).toBe(false);
});

test("half-open, it hides the target's death from connections that it had", async () => {
  const target = once(echo, "connection") as Promise<[Socket]>;
  const client = await dial();
  await roundTripMs(client);
  proxy.halfOpen();
  (await target)[0].resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(client.closed).toBe(false);
  expect(client.readableEnded).toBe(false);
});

test("resets what was half-open when healed, and serves new connections", async () => {
  proxy.halfOpen();
  const client = await dial();
  const failed = failure(client);
  await expect.poll(() => proxy.connections).toBe(1);
  await proxy.heal();
  expect(await failed).toBe("ECONNRESET");
  await roundTripMs(await dial());
});

test("passes a reset on", async () => {
  const target = once(echo, "connection") as Promise<[Socket]>;
  const client = await dial();
  await roundTripMs(client);
  (await target)[0].resetAndDestroy();
  expect(await failure(client)).toBe("ECONNRESET");
});

test("resets a client whose target refuses", async () => {
  echo.close();
  await once(echo, "close");
  expect(await dial().then(failure)).toBe("ECONNRESET");
});

test("counts connections until both sides are done", async () => {
  const client = await dial();
  await roundTripMs(client);
  expect(proxy.connections).toBe(1);
  client.end();
  await once(client.resume(), "close");
  await expect.poll(() => proxy.connections).toBe(0);
});
