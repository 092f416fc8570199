import { AsyncLocalStorage } from "node:async_hooks";
import { text } from "node:stream/consumers";
import { Agent, MockAgent } from "undici";
import { describe, expect, it } from "vitest";
import { createHttpClient, HttpRetryError } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";
import { Recorder } from "./recorder.ts";

describe("a call", () => {
  it("is sent when it is first read, and once, however it is read and how often", async () => {
    const dispatcher = new Recorder({ body: '{"id":7}' });
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher });
    const call = client.get("users/7");
    await Promise.resolve();
    expect(dispatcher.requests).toHaveLength(0);
    const [data, body, bytes, response] = await Promise.all([call.json(), call.text(), call.bytes(), call]);
    expect([data, body, Buffer.from(bytes).toString(), response.text()]).toEqual([
      { id: 7 },
      '{"id":7}',
      '{"id":7}',
      '{"id":7}',
    ]);
    expect(await call.json()).toEqual({ id: 7 });
    expect(dispatcher.requests).toHaveLength(1);
  });

  it("has what a promise has", async () => {
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher: new Recorder({ status: 404 }) });
    let isOver = false;
    const caught = await client
      .get("x")
      .finally(() => {
        isOver = true;
      })
      .catch((error: unknown) => error);
    expect(caught).toBeInstanceOf(HttpRetryError);
    expect(isOver).toBe(true);
    expect(await client.get("x").catch(() => "instead")).toBe("instead");
  });

  it("is a response with its body, which joins the pieces that it came in", async () => {
    const body = "0123456789".repeat(10);
    await using server = await startScriptedServer({
      status: 201,
      headers: { "x-one": "1", "set-cookie": ["a=1", "b=2"] },
      body,
      framing: "chunked",
      drip: { bytes: 7, every: 0 },
    });
    await using client = createHttpClient({ baseUrl: server.origin });
    const response = await client.put("/x?y=1", { body: "sent" });
    expect(response).toMatchObject({ status: 201, url: `${server.origin}/x?y=1`, attempts: [] });
    expect(response.headers).toMatchObject({ "x-one": "1", "set-cookie": ["a=1", "b=2"] });
    expect(response.text()).toBe(body);
    expect(server.requests[0]).toMatchObject({ method: "PUT", url: "/x?y=1" });
  });

  it.each([
    ["HEAD", { status: 200, headers: { "x-one": "1" }, body: "never sent" }],
    ["GET", { status: 204 }],
    ["GET", { status: 304, headers: { etag: '"v1"' } }],
  ] as const)("of a %s without a body has an empty one: %j", async (method, step) => {
    await using server = await startScriptedServer(step);
    await using client = createHttpClient({ baseUrl: server.origin });
    const response = await client.request(method, "/");
    expect([response.status, response.body.byteLength, response.text()]).toEqual([step.status, 0, ""]);
  });

  it("lists the attempts that failed before it was answered", async () => {
    await using server = await startScriptedServer([{ status: 503 }, { body: "ok" }]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    const { attempts } = await client.get("/");
    expect(attempts).toEqual([{ number: 1, status: 503, durationMs: expect.any(Number), waitMs: expect.any(Number) }]);
  });

  it("starts its body again when it breaks, and hands out none of the broken one", async () => {
    await using server = await startScriptedServer([
      { body: "one version", cut: { afterBytes: 4, of: "body" } },
      { body: "another one" },
    ]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    expect(await client.get("/").text()).toBe("another one");
  });

  it("refuses a body above maxBodyBytes, whether its length is told or not, and ends its connection", async () => {
    await using server = await startScriptedServer([
      { body: "x".repeat(5000) },
      { body: "x".repeat(5000), framing: "chunked" },
      { body: "x".repeat(5000) },
    ]);
    await using client = createHttpClient({ baseUrl: server.origin, maxBodyBytes: "4kB" });
    for (let call = 0; call < 2; call++) {
      const error = await client.get("/x?token=secret").then(null, (reason: unknown) => reason);
      expect(error).toMatchObject({
        code: "BODY_TOO_LARGE",
        message: `GET ${server.origin}/x answered with more than 4000 bytes; raise maxBodyBytes, or read it with stream()`,
      });
    }
    expect((await client.get("/", { maxBodyBytes: "5kB" }).text()).length).toBe(5000);
    expect(server.requests).toHaveLength(3);
  });

  it("keeps the caller's async context", async () => {
    await using server = await startScriptedServer([{ status: 503 }, { body: "{}" }]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    const storage = new AsyncLocalStorage<string>();
    await storage.run("request 7", async () => {
      await client.get("/").json();
      expect(storage.getStore()).toBe("request 7");
    });
  });
});

describe("a call that is streamed", () => {
  it("resolves at its headers, and gives the body as it comes, of whatever length", async () => {
    const body = "x".repeat(3_000_000);
    await using server = await startScriptedServer({ body, headers: { "x-one": "1" } });
    await using client = createHttpClient({ baseUrl: server.origin, maxBodyBytes: "1MiB" });
    const response = await client.get("/").stream();
    expect(response).toMatchObject({ status: 200, length: body.length, headers: { "x-one": "1" } });
    expect(await text(response.stream)).toBe(body);
  });

  it("rejects as any other call does", async () => {
    await using server = await startScriptedServer([{ status: 503 }, { status: 404, body: "no such thing" }]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    const error = await client
      .get("/")
      .stream()
      .then(null, (reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "STATUS",
      response: { status: 404 },
      attempts: [{ status: 503 }, { status: 404 }],
    });
  });

  it("can't be read whole besides, nor the other way round", async () => {
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher: new Recorder() });
    const streamed = client.get("/");
    await streamed.stream();
    await expect(streamed.text()).rejects.toThrow("a call is read whole or as a stream, not both; make another call");
    const whole = client.get("/");
    await whole;
    await expect(whole.stream()).rejects.toThrow(HttpRetryError);
  });
});

describe("headers", () => {
  it("of the call stand in the place of the client's, and undefined leaves one out", async () => {
    const dispatcher = new Recorder();
    const client = createHttpClient({
      baseUrl: "https://api.test",
      dispatcher,
      headers: { Authorization: "Bearer 1", Accept: "text/plain", "x-team": "a" },
    });
    await client.get("x");
    await client.get("x", { headers: { accept: "text/html", "X-Team": undefined, "x-list": ["1", "2"] } });
    await client.get("x", { headers: new Headers([["accept", "text/csv"]]) });
    await client.get("x", {
      headers: [
        ["x-team", "b"],
        ["X-Team", "c"],
      ],
    });
    const defaults = { authorization: "Bearer 1", accept: "text/plain", "x-team": "a" };
    expect(dispatcher.requests.map(({ headers }) => headers)).toEqual([
      defaults,
      { authorization: "Bearer 1", accept: "text/html", "x-list": ["1", "2"] },
      { ...defaults, accept: "text/csv" },
      { ...defaults, "x-team": ["b", "c"] },
    ]);
  });

  it("of the client that may be credentials stay with its baseUrl's origin", async () => {
    const dispatcher = new Recorder();
    const headers = { "x-api-key": "secret", "user-agent": "tests" };
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher, headers });
    await client.get("https://api.test:443/x");
    await client.get("https://evil.test/x");
    await client.get("http://api.test/x");
    expect(dispatcher.requests.map((request) => request.headers)).toEqual([
      headers,
      { "user-agent": "tests" },
      { "user-agent": "tests" },
    ]);
  });

  it("include the body's type where it has one and the caller says nothing else", async () => {
    const dispatcher = new Recorder();
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher });
    await client.post("x", { body: new URLSearchParams({ a: "1" }) });
    await client.post("x", { body: "text", headers: { "content-type": "text/csv" } });
    await client.post("x", { body: new Uint8Array(3) });
    expect(dispatcher.requests.map(({ headers }) => headers["content-type"])).toEqual([
      "application/x-www-form-urlencoded;charset=UTF-8",
      "text/csv",
      undefined,
    ]);
  });
});

describe("a POST", () => {
  it("with a made Idempotency-Key is tried again under the same key", async () => {
    await using server = await startScriptedServer([{ status: 503 }, "reset", { status: 201 }]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    expect((await client.post("/", { json: {}, idempotencyKey: true })).status).toBe(201);
    const keys = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
  });
});

describe("a client", () => {
  it("makes a call of every method, whatever its case", async () => {
    const dispatcher = new Recorder();
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher });
    const { get, head, options, put, delete: remove, post, patch } = client;
    for (const verb of [get, head, options, put, remove, post, patch]) await verb("x");
    await client.request("query", "x");
    expect(dispatcher.requests.map(({ method }) => method)).toEqual([
      "GET",
      "HEAD",
      "OPTIONS",
      "PUT",
      "DELETE",
      "POST",
      "PATCH",
      "QUERY",
    ]);
  });

  it("works with undici's MockAgent", async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    const pool = agent.get("https://api.test");
    pool.intercept({ path: "/v1/users/7" }).reply(503);
    pool.intercept({ path: "/v1/users/7" }).reply(200, { id: 7 }, { headers: { "x-mocked": "yes" } });
    const client = createHttpClient({ baseUrl: "https://api.test/v1", dispatcher: agent, random: () => 0 });
    expect(await client.get("users/7").json()).toEqual({ id: 7 });
    agent.assertNoPendingInterceptors();
  });

  it("closes its own connections, and leaves a dispatcher open that it was given", async () => {
    await using server = await startScriptedServer();
    const own = createHttpClient({ baseUrl: server.origin });
    await own.get("/");
    await own.close();
    await own.close();
    await expect(own.get("/").text()).rejects.toThrow(HttpRetryError);

    const agent = new Agent();
    const client = createHttpClient({ baseUrl: server.origin, dispatcher: agent });
    await client.get("/");
    await client.close();
    expect(agent.closed).toBe(false);
    await agent.close();
  });

  it.each([
    [{ retries: -1 }, "retries is -1"],
    [{ maxBodyBytes: "1 furlong" }, 'maxBodyBytes is "1 furlong"'],
    [{ maxRedirects: 1.5 }, "maxRedirects is 1.5"],
    [{ deadline: "soon" }, 'deadline is "soon"'],
  ])("refuses options that can't be meant, the call's too: %j", async (options, message) => {
    expect(() => createHttpClient(options)).toThrow(message);
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher: new Recorder() });
    const error = await client.get("x", options).then(null, (reason: unknown) => reason);
    expect(error).toMatchObject({ code: "INVALID_OPTION", message: expect.stringContaining(message) });
  });
});
