import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import {
  Agent,
  Client,
  type Dispatcher,
  errors,
  FormData,
  fetch,
  interceptors,
  MockAgent,
  request,
  stream,
} from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { globalFetchDispatcher, retry } from "../src/interceptor.ts";
import type { PolicyOptions } from "../src/policy/policy.ts";
import { type Script, type ScriptedServer, startScriptedServer } from "../src/testing.ts";

const owned: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0).reverse()) await one.close();
});

async function serve(script: Script): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  owned.push(server);
  return server;
}

function agent(options: PolicyOptions = {}): Dispatcher {
  const made = new Agent();
  owned.push(made);
  return made.compose(retry({ baseDelay: 1, ...options }));
}

const busy = { status: 503, body: "busy" };
const ok = { body: "ok" };

/** The ways in, each giving status and body. */
const ways: Record<
  string,
  (
    url: string,
    options: { dispatcher: Dispatcher; method?: string; body?: string; signal?: AbortSignal },
  ) => Promise<[number, string]>
> = {
  "undici.request": async (url, options) => {
    const { statusCode, body } = await request(url, options as never);
    return [statusCode, await body.text()];
  },
  "undici.fetch": async (url, options) => {
    const response = await fetch(url, options);
    return [response.status, await response.text()];
  },
  "Node's own fetch": async (url, { dispatcher, ...options }) => {
    const response = await globalThis.fetch(url, {
      ...options,
      dispatcher: globalFetchDispatcher(dispatcher),
    } as unknown as RequestInit);
    return [response.status, await response.text()];
  },
};

describe.each(Object.entries(ways))("%s through the interceptor", (_name, send) => {
  it("is tried again until it is answered", async () => {
    const server = await serve([busy, "reset", ok]);
    expect(await send(server.origin, { dispatcher: agent() })).toEqual([200, "ok"]);
    expect(server.requests).toHaveLength(3);
  });

  it("is given the status that is left, with its body", async () => {
    const server = await serve(busy);
    expect(await send(server.origin, { dispatcher: agent({ retries: 2 }) })).toEqual([503, "busy"]);
    expect(server.requests).toHaveLength(3);
  });

  it("is given a POST's status at once", async () => {
    const server = await serve(busy);
    expect(await send(server.origin, { dispatcher: agent(), method: "POST", body: "x" })).toEqual([503, "busy"]);
    expect(server.requests).toHaveLength(1);
  });

  it("sends a body again, whole", async () => {
    const server = await serve([busy, "reset", ok]);
    expect(await send(server.origin, { dispatcher: agent(), method: "PUT", body: "a body" })).toEqual([200, "ok"]);
    expect(server.requests.map(({ body, headers }) => [String(body), headers["content-length"]])).toEqual([
      ["a body", "6"],
      ["a body", "6"],
      ["a body", "6"],
    ]);
  });

  it("fails with what the last attempt failed of", async () => {
    const server = await serve("reset");
    const failed = send(server.origin, { dispatcher: agent({ retries: 1 }) });
    const error = await failed.then(
      () => undefined,
      (error: Error) => (error instanceof TypeError ? error.cause : error),
    );
    expect(error).toMatchObject({ code: "NETWORK", attempts: [{ number: 1 }, { number: 2 }] });
  });

  it.each([
    ["before the headers", "hang" as const, { baseDelay: 1 }],
    ["in a wait", busy, { baseDelay: "1h" as const, maxDelay: "2h" as const, deadline: 0, jitter: "none" as const }],
  ])("is called off %s, with the reason", async (_when, step, options) => {
    const server = await serve(step);
    const abort = new AbortController();
    const reason = new Error("no longer wanted");
    const failed = send(server.origin, { dispatcher: agent(options), signal: abort.signal });
    await server.waitForRequests(1);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    abort.abort(reason);
    await expect(failed).rejects.toBe(reason);
  });

  it("takes a broken body up again under a strong validator", async () => {
    const headers = { etag: '"v1"' };
    const body = "0123456789".repeat(100);
    const server = await serve([
      { headers, body, cut: { afterBytes: 500, of: "body" } },
      { headers, body, ranges: true },
    ]);
    expect(await send(server.origin, { dispatcher: agent() })).toEqual([200, body]);
    expect(server.requests[1]?.headers).toMatchObject({ range: "bytes=500-", "if-range": '"v1"' });
  });

  it("is told of a broken body that it can't, and never given two in one", async () => {
    const server = await serve([{ body: "0123456789", cut: { afterBytes: 5, of: "body" } }, { body: "abcdefghij" }]);
    await expect(send(server.origin, { dispatcher: agent() })).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });

  it.each([204, 304])("is given a %i", async (status) => {
    const server = await serve([busy, { status }]);
    expect(await send(server.origin, { dispatcher: agent() })).toEqual([status, ""]);
  });

  it("is given what HEAD is answered with", async () => {
    const server = await serve([busy, { claimedLength: 1000 }]);
    expect(await send(server.origin, { dispatcher: agent(), method: "HEAD" })).toEqual([200, ""]);
  });
});

describe("the interceptor", () => {
  it("sends a form again, with its boundary and its length", async () => {
    const server = await serve([busy, ok]);
    const body = new FormData();
    body.set("name", "value");
    body.set("file", new Blob(["content"], { type: "text/plain" }), "a.txt");
    const { statusCode } = await request(server.origin, { dispatcher: agent(), method: "PUT", body });
    expect(statusCode).toBe(200);
    const [first, second] = server.requests;
    expect(second?.headers["content-type"]).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(Number(second?.headers["content-length"])).toBe(second?.body.byteLength);
    expect(String(second?.body)).toBe(String(first?.body));
    expect(String(second?.body)).toContain("content");
  });

  it("sends a stream again that it could keep", async () => {
    const server = await serve([busy, ok]);
    const body = Readable.from([Buffer.from("one "), Buffer.from("two")]);
    const { statusCode } = await request(server.origin, { dispatcher: agent(), method: "PUT", body });
    expect(statusCode).toBe(200);
    expect(server.requests.map((one) => String(one.body))).toEqual(["one two", "one two"]);
  });

  it("does not send a stream again that it could not keep, and passes the real response on", async () => {
    const server = await serve([busy, ok]);
    const body = Readable.from([Buffer.alloc(2000), Buffer.alloc(2000)]);
    const response = await request(server.origin, { dispatcher: agent({ replayLimit: 1000 }), method: "PUT", body });
    expect([response.statusCode, await response.body.text()]).toEqual([503, "busy"]);
    expect(server.requests).toHaveLength(1);
  });

  it("serves a client of one origin", async () => {
    const server = await serve([busy, ok]);
    const client = new Client(server.origin);
    owned.push(client);
    const { statusCode, body } = await client.compose(retry({ baseDelay: 1 })).request({ path: "/", method: "GET" });
    expect([statusCode, await body.text()]).toEqual([200, "ok"]);
  });

  it("serves undici.stream", async () => {
    const server = await serve([busy, ok]);
    const written: string[] = [];
    const { Writable } = await import("node:stream");
    await stream(
      server.origin,
      { dispatcher: agent(), method: "GET" },
      () =>
        new Writable({
          write(chunk, _encoding, done) {
            written.push(String(chunk));
            done();
          },
        }),
    );
    expect(written.join("")).toBe("ok");
  });

  it("tells undici.request of redirects that were followed below it", async () => {
    const server = await serve([busy, { status: 302, headers: { location: "/there" } }, ok]);
    const made = new Agent();
    owned.push(made);
    const dispatcher = made.compose(interceptors.redirect({ maxRedirections: 3 }), retry({ baseDelay: 1 }));
    const { body, context } = await request(server.origin, { dispatcher });
    expect(await body.text()).toBe("ok");
    expect((context as { history: URL[] }).history.map(String)).toContain(`${server.origin}/there`);
  });

  it("gives undici.request the informational responses", async () => {
    const server = await serve({
      raw: "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    });
    const told: number[] = [];
    const { body } = await request(server.origin, {
      dispatcher: agent(),
      onInfo: ({ statusCode }) => told.push(statusCode),
    });
    expect(await body.text()).toBe("ok");
    expect(told).toEqual([103]);
  });

  it("gives raw headers to those who ask for them", async () => {
    const server = await serve([busy, { headers: { "X-Name": "value" }, body: "ok" }]);
    const { headers, body } = await request(server.origin, { dispatcher: agent(), responseHeaders: "raw" });
    await body.dump();
    expect(headers).toEqual(expect.arrayContaining(["X-Name", "value"]));
  });

  it("lets a large body flow as slowly as it is read", async () => {
    const body = Buffer.alloc(4 * 1024 * 1024, "x");
    const server = await serve([busy, { body }]);
    const response = await request(server.origin, { dispatcher: agent() });
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += (chunk as Buffer).byteLength;
      await new Promise(setImmediate);
    }
    expect(bytes).toBe(body.byteLength);
  });

  it("uses the connection again of a response that it put aside", async () => {
    const server = await serve([busy, busy, ok]);
    const { body } = await request(server.origin, { dispatcher: agent() });
    await body.dump();
    expect(server.connections).toBe(1);
  });

  it("refuses a handler of an older undici, which would never settle", async () => {
    const server = await serve(ok);
    const failed = globalThis.fetch(server.origin, { dispatcher: agent() } as unknown as RequestInit);
    await expect(failed).rejects.toMatchObject({
      cause: { code: "UND_ERR_INVALID_ARG", message: expect.stringContaining("globalFetchDispatcher()") },
    });
  });

  it("lets an upgrade pass", async () => {
    const server = await serve({
      raw: "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello",
    });
    const { socket } = await agent().upgrade({ path: "/", origin: server.origin, protocol: "echo" } as never);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(String(chunk)).toBe("hello");
    socket.destroy();
  });

  it("ends a request that waits for a connection when it is called off", async () => {
    const server = await serve("hang");
    const made = new Agent({ connections: 1 });
    owned.push({ close: () => made.destroy() });
    const dispatcher = made.compose(retry());
    void request(server.origin, { dispatcher }).catch(() => {});
    await server.waitForRequests(1);
    const abort = new AbortController();
    const queued = request(server.origin, { dispatcher, signal: abort.signal });
    await new Promise(setImmediate);
    abort.abort(new Error("no longer wanted"));
    await expect(queued).rejects.toThrow("no longer wanted");
    expect(server.requests).toHaveLength(1);
  });

  it("leaves a connection to the next where a request gave up waiting for it", async () => {
    const gate = Promise.withResolvers<void>();
    const server = await serve([
      async () => {
        await gate.promise;
        return ok;
      },
      ok,
    ]);
    const made = new Agent({ connections: 1 });
    owned.push(made);
    const first = request(server.origin, { dispatcher: made });
    await server.waitForRequests(1);
    await expect(
      request(server.origin, { dispatcher: made.compose(retry({ attemptTimeout: 5, retries: 0 })) }),
    ).rejects.toMatchObject({ code: "TIMEOUT" });
    gate.resolve();
    await (await first).body.dump();
    await (await request(server.origin, { dispatcher: made })).body.dump();
    expect([server.requests.length, server.connections]).toEqual([2, 1]);
  });

  it.each(["POST", "GET"] as const)("sends a %s again that an HTTP/2 server refused unseen", async (method) => {
    let streams = 0;
    const server = createServer((incoming, answer) => {
      if (++streams === 1) incoming.stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else answer.end("ok");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const made = new Client(`http://127.0.0.1:${port}`, { allowH2: true, h2Options: { useH2c: true } });
    owned.push({ close: async () => void server.close() }, made);
    const { body } = await made.compose(retry({ baseDelay: 1 })).request({ path: "/", method });
    expect([await body.text(), streams]).toEqual(["ok", 2]);
  });

  it("refuses options that can't be used", () => {
    expect(() => retry({ retries: -1 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });
});

describe("undici's MockAgent", () => {
  function mocked(options: PolicyOptions = {}) {
    const mock = new MockAgent();
    mock.disableNetConnect();
    owned.push(mock);
    const dispatcher = mock.compose(retry({ baseDelay: 1, ...options }));
    return { mock, pool: mock.get("http://mock.test"), dispatcher };
  }

  it.each(["undici.request", "undici.fetch"] as const)("serves %s", async (way) => {
    const { pool, dispatcher, mock } = mocked();
    pool.intercept({ path: "/a", method: "PUT", body: "x" }).reply(503, "busy");
    pool
      .intercept({ path: "/a", method: "PUT", body: "x" })
      .replyWithError(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
    pool.intercept({ path: "/a", method: "PUT", body: "x" }).reply(200, "ok");
    expect(await ways[way]?.("http://mock.test/a", { dispatcher, method: "PUT", body: "x" })).toEqual([200, "ok"]);
    mock.assertNoPendingInterceptors();
  });

  it("says of a request that nothing was mocked for it, at once", async () => {
    const { dispatcher } = mocked();
    await expect(request("http://mock.test/b", { dispatcher })).rejects.toMatchObject({
      cause: expect.any(errors.UndiciError),
    });
  });
});
