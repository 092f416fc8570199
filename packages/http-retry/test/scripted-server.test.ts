import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createManualClock } from "@holdfast/core";
import { Agent, request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { type Script, type ScriptedServer, startScriptedServer } from "../src/testing.ts";

const stack: AsyncDisposableStack[] = [];
afterEach(async () => {
  for (const one of stack.splice(0)) await one.disposeAsync();
});

async function serve(script?: Script): Promise<ScriptedServer> {
  const owned = new AsyncDisposableStack();
  stack.push(owned);
  return owned.use(await startScriptedServer(script));
}

/** Sends bytes and resolves to all that comes back until the connection ends, and how it ended. */
async function exchange(
  server: ScriptedServer,
  sent: string,
): Promise<{ readonly text: string; readonly end: string }> {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(sent);
  return { ...(await untilClosed(socket)) };
}

async function untilClosed(socket: Socket): Promise<{ readonly text: string; readonly end: string }> {
  let text = "";
  let end = "end";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end = error.code ?? "error";
  });
  await new Promise((resolve) => socket.on("close", resolve));
  return { text, end };
}

const get = (...headers: readonly string[]): string =>
  ["GET /a?b=1 HTTP/1.1", "Host: x", ...headers, "", ""].join("\r\n");
const CLOSE = "Connection: close";

describe("a script", () => {
  it("answers each request by its own step, and those after the last by the last", async () => {
    const server = await serve([{ status: 503 }, { status: 429 }, { body: "ok" }]);
    const statuses: number[] = [];
    for (let call = 0; call < 4; call++) {
      const { statusCode, body } = await request(server.origin);
      await body.dump();
      statuses.push(statusCode);
    }
    expect(statuses).toEqual([503, 429, 200, 200]);
  });

  it("answers everything with an empty 200 where there is none", async () => {
    const server = await serve();
    expect(await exchange(server, get(CLOSE))).toEqual({
      text: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      end: "end",
    });
  });

  it("lets a function decide on the whole request", async () => {
    const server = await serve(async (received) => {
      await received.ended;
      return { status: 201, body: received.body };
    });
    const { statusCode, body } = await request(server.origin, { method: "POST", body: "hello" });
    expect([statusCode, await body.text()]).toEqual([201, "hello"]);
  });

  it("tells at its close what a function threw", async () => {
    const server = await startScriptedServer(() => {
      throw new Error("no such thing");
    });
    await expect(request(server.origin)).rejects.toThrow();
    await expect(server.close()).rejects.toThrow("no such thing");
  });
});

describe("a received request", () => {
  it("is kept with its headers and its body", async () => {
    const server = await serve();
    await request(`${server.origin}/p?q=1`, { method: "PUT", headers: { "X-A": ["1", "2"] }, body: "0123456789" });
    expect(server.requests).toMatchObject([
      { number: 1, method: "PUT", url: "/p?q=1", isComplete: true, isAbandoned: false, connection: 1 },
    ]);
    expect(server.requests[0]?.headers).toMatchObject({ "x-a": "1, 2", "content-length": "10" });
    expect(server.requests[0]?.body.toString()).toBe("0123456789");
  });

  it("is kept without the framing of its chunks", async () => {
    const server = await serve();
    const chunks = "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";
    await exchange(server, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n\r\n${chunks}`);
    expect(server.requests[0]).toMatchObject({ isComplete: true, body: Buffer.from("abc0123456789") });
  });

  it("is read wherever its bytes are cut", async () => {
    const server = await serve();
    const sent = `POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n${CLOSE}\r\n\r\n2\r\nhi\r\n0\r\n\r\n`;
    for (let at = 1; at < sent.length; at++) {
      const socket = connect(server.port, "127.0.0.1").setNoDelay();
      socket.write(sent.slice(0, at), () => setImmediate(() => socket.write(sent.slice(at))));
      await untilClosed(socket);
    }
    expect(server.requests.map(({ body }) => body.toString())).toEqual(
      Array.from({ length: sent.length - 1 }, () => ["hello", "hi"]).flat(),
    );
  });

  it("says when the client sent less than it claimed, or left before it was answered", async () => {
    const server = await serve("hang");
    const socket = connect(server.port, "127.0.0.1");
    socket.write("PUT / HTTP/1.1\r\ncontent-length: 10\r\n\r\nhello");
    const [received] = await server.waitForRequests(1);
    socket.destroy();
    await received?.ended;
    expect(received).toMatchObject({ isComplete: false, body: Buffer.from("hello") });
    await expect.poll(() => received?.isAbandoned).toBe(true);
  });

  it.each([
    ["hello\r\n\r\n", 'begins with "hello"'],
    ["GET / HTTP/1.1\r\ncontent-length: ten\r\n\r\n", 'has the content-length "ten"'],
    ["PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nten\r\n", 'has the size "ten"'],
    ["PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nten\r\n", "longer than its size"],
  ])("is refused where it is not HTTP: %j", async (sent, complaint) => {
    const server = await startScriptedServer();
    expect((await exchange(server, sent)).end).toBe("ECONNRESET");
    await expect(server.close()).rejects.toThrow(complaint);
  });
});

describe("an answer", () => {
  it("carries the headers that were given and no others", async () => {
    const server = await serve({ status: 404, headers: { "X-A": "1", "set-cookie": ["a", "b"] }, body: "no" });
    const { text } = await exchange(server, get(CLOSE));
    expect(text).toBe(
      "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 2\r\n\r\nno",
    );
  });

  it("has no body for HEAD and 304, and says of HEAD how long it would be", async () => {
    const server = await serve([{ body: "0123" }, { status: 304, body: "0123" }]);
    const head = "HEAD / HTTP/1.1\r\n\r\n";
    const { text } = await exchange(server, `${head}${get(CLOSE)}`);
    expect(text).toBe("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n");
  });

  it.each([
    ["chunked", "a\r\n0123456789\r\n0\r\n\r\n"],
    ["bad-chunk", "a\r\n0123456789\r\nsize\r\n"],
    ["no-last-chunk", "a\r\n0123456789\r\n"],
  ] as const)("comes in chunks: %s", async (framing, body) => {
    const server = await serve({ body: "0123456789", framing });
    const { text } = await exchange(server, get(CLOSE));
    expect(text).toBe(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`);
  });

  it("ends with its connection", async () => {
    const server = await serve({ body: "0123456789", framing: "close" });
    expect(await exchange(server, get())).toEqual({ text: "HTTP/1.1 200 OK\r\n\r\n0123456789", end: "end" });
  });

  it.each([4, 20])("claims a length of %i for ten bytes", async (claimedLength) => {
    const server = await serve({ body: "0123456789", claimedLength });
    const { text } = await exchange(server, get(CLOSE));
    expect(text).toBe(`HTTP/1.1 200 OK\r\ncontent-length: ${claimedLength}\r\n\r\n0123456789`);
  });

  it("is whatever bytes it is told to be", async () => {
    const server = await serve({ raw: "HTTP/1.1 2oo\r\n", afterwards: "close" });
    expect((await exchange(server, get())).text).toBe("HTTP/1.1 2oo\r\n");
  });

  it("is cut after any byte of the response, and leaves the rest of the script to the next request", async () => {
    const whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const server = await serve((received) => ({ body: "ok", cut: { afterBytes: received.number - 1 } }));
    for (let sent = 0; sent <= whole.length; sent++) {
      expect(await exchange(server, get())).toEqual({ text: whole.slice(0, sent), end: "ECONNRESET" });
    }
  });

  it("is cut after a byte of its body, by an end in good order", async () => {
    const server = await serve({ body: "0123456789", cut: { afterBytes: 3, of: "body", by: "end" } });
    const { text, end } = await exchange(server, get());
    expect([text.split("\r\n\r\n")[1], end]).toEqual(["012", "end"]);
  });

  it.each(["close", "reset"] as const)("is whole before the connection ends: %s", async (afterwards) => {
    const server = await serve({ body: "ok", afterwards });
    const { text, end } = await exchange(server, get());
    expect(text).toMatch(/ok$/);
    expect(end).toBe(afterwards === "close" ? "end" : "ECONNRESET");
  });

  it("comes before the request's body does, when it is told to", async () => {
    const server = await serve({ status: 413, afterRequestBytes: 3, afterwards: "close" });
    const { text } = await exchange(server, "PUT / HTTP/1.1\r\ncontent-length: 1000\r\n\r\nabc");
    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(server.requests[0]).toMatchObject({ isComplete: false, body: Buffer.from("abc") });
  });
});

describe("time", () => {
  const held = async (script: Script) => {
    const clock = createManualClock();
    const owned = new AsyncDisposableStack();
    stack.push(owned);
    const server = owned.use(await startScriptedServer(script, { clock }));
    const socket = connect(server.port, "127.0.0.1").setEncoding("latin1");
    let text = "";
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.write(get(CLOSE));
    await server.waitForRequests(1);
    return { clock, socket, text: () => text };
  };

  it("passes before a delayed answer", async () => {
    const { clock, socket, text } = await held({ body: "ok", delay: "1s" });
    await clock.advanceAsync(999);
    expect([text(), clock.pendingTimers]).toEqual(["", 1]);
    await clock.advanceAsync(1);
    await once(socket, "close");
    expect(text()).toMatch(/ok$/);
  });

  it("passes between the drops of a body", async () => {
    const { clock, socket, text } = await held({ body: "0123456789", drip: { bytes: 4, every: 100 } });
    await once(socket, "data");
    await expect.poll(() => clock.pendingTimers).toBe(1);
    expect(text()).toMatch(/\r\n\r\n$/);
    for (const body of ["0123", "01234567", "0123456789"]) {
      await expect.poll(() => clock.pendingTimers).toBe(1);
      clock.advance(100);
      await once(socket, "data");
      expect(text().split("\r\n\r\n")[1]).toBe(body);
    }
  });

  it("passes between the drops of a head", async () => {
    const { clock, socket, text } = await held({ drip: { bytes: 9, every: 100, of: "response" } });
    await once(socket, "data");
    expect(text()).toBe("HTTP/1.1 ");
    await expect.poll(() => clock.pendingTimers).toBe(1);
    clock.advance(100);
    await once(socket, "data");
    expect(text()).toBe("HTTP/1.1 200 OK\r\nc");
  });

  it("passes for no drops of nothing", async () => {
    const server = await startScriptedServer({ drip: { bytes: 0, every: 1 } });
    expect((await exchange(server, get())).end).toBe("ECONNRESET");
    await expect(server.close()).rejects.toThrow("drip.bytes is 0");
  });

  it("stops when the client leaves", async () => {
    const { clock, socket } = await held({ delay: "1h" });
    await expect.poll(() => clock.pendingTimers).toBe(1);
    socket.destroy();
    await expect.poll(() => clock.pendingTimers).toBe(0);
  });
});

describe("ranges", () => {
  const V1 = { body: "0123456789", headers: { etag: '"v1"' }, ranges: true } as const;
  const WEAK = { ...V1, headers: { etag: 'W/"v1"' } };

  it.each([
    ["bytes=4-", "4-9/10", "456789"],
    ["bytes=4-5", "4-5/10", "45"],
    ["bytes=4-100", "4-9/10", "456789"],
    ["bytes=-3", "7-9/10", "789"],
  ])("serves %s", async (range, contentRange, content) => {
    const server = await serve(V1);
    const { statusCode, headers, body } = await request(server.origin, { headers: { range } });
    expect([statusCode, headers["content-range"], await body.text()]).toEqual([206, `bytes ${contentRange}`, content]);
  });

  it.each([
    ["the same strong tag", V1, { "if-range": '"v1"' }, 206],
    ["another tag", V1, { "if-range": '"v0"' }, 200],
    ["a weak tag", WEAK, { "if-range": 'W/"v1"' }, 200],
    ["a matching precondition", V1, { "if-match": '"v0", "v1"' }, 206],
    ["a precondition that fails", V1, { "if-match": '"v0"' }, 412],
    ["a weak precondition", WEAK, { "if-match": 'W/"v1"' }, 412],
  ])("answers a range with %s", async (_, step, headers, status) => {
    const server = await serve(step);
    const response = await request(server.origin, { headers: { range: "bytes=4-", ...headers } });
    expect(response.statusCode).toBe(status);
    expect(await response.body.text()).toBe(status === 206 ? "456789" : status === 200 ? "0123456789" : "");
  });

  it("refuses one beyond the end", async () => {
    const server = await serve(V1);
    const { statusCode, headers } = await request(server.origin, { headers: { range: "bytes=10-" } });
    expect([statusCode, headers["content-range"]]).toEqual([416, "bytes */10"]);
  });

  it("are not offered where the answer does not say so", async () => {
    const server = await serve({ body: "0123456789" });
    expect((await request(server.origin, { headers: { range: "bytes=4-" } })).statusCode).toBe(200);
  });
});

describe("connections", () => {
  it("are counted, and end with the server", async () => {
    const server = await serve([{ headers: { connection: "close" } }, {}, "hang"]);
    const agent = new Agent({ connections: 1 });
    for (let call = 0; call < 2; call++) await (await request(server.origin, { dispatcher: agent })).body.dump();
    const hanging = request(server.origin, { dispatcher: agent });
    hanging.catch(() => {});
    await server.waitForRequests(3);
    expect(server.connections).toBe(2);
    await server.close();
    await expect(hanging).rejects.toThrow();
    await agent.close();
    expect(server.openConnections).toBe(0);
    await expect(request(server.origin)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("drop what comes after their unannounced end", async () => {
    const server = await serve({ afterwards: "close" });
    const { text } = await exchange(server, `${get()}${get()}`);
    expect(text.match(/HTTP/g)).toHaveLength(1);
  });

  it("that are awaited in vain are given up at the close", async () => {
    const server = await startScriptedServer();
    const waiting = server.waitForRequests(1);
    waiting.catch(() => {});
    await server.close();
    await expect(waiting).rejects.toThrow("closed after 0 requests");
    await expect(server.waitForRequests(1)).rejects.toThrow("closed after 0 requests");
  });
});
