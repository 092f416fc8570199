import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createManualClock } from "@holdfast/core";
import { Agent, MockAgent, FormData as UndiciFormData, Request as UndiciRequest } from "undici";
import { afterAll, afterEach, beforeAll, expect, expectTypeOf, test } from "vitest";
import { createFetch, type FetchLike } from "../src/client/fetch.ts";
import { createEngine } from "../src/engine/engine.ts";
import { HttpRetryError } from "../src/errors.ts";
import { compilePolicy, type PolicyOptions } from "../src/policy/policy.ts";
import { type ScriptedServer, type Step, startScriptedServer } from "../src/testing.ts";

const agent = new Agent();
const servers: ScriptedServer[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-fetch-"));
  await writeFile(join(folder, "file"), "body of a file");
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  await agent.close();
  await rm(folder, { recursive: true });
});

async function serve(...script: readonly Step[]): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  servers.push(server);
  return server;
}

function fetchWith(options: PolicyOptions = {}): FetchLike {
  const policy = compilePolicy({ baseDelay: 0, ...options });
  return createFetch({ engine: createEngine(policy), dispatch: agent.dispatch.bind(agent) }, policy);
}

const fetch = fetchWith();
const BUSY = { status: 503 };
const bytes = new TextEncoder().encode("body");

function form(Form: typeof FormData): FormData {
  const made = new Form();
  made.append("text", "body");
  made.append("file", new File(["content"], "name"));
  return made;
}

const bodies: readonly [string, () => unknown, Record<string, unknown>][] = [
  ["text", () => "body", { "content-type": "text/plain;charset=UTF-8", "content-length": "4" }],
  ["a Uint8Array", () => bytes, { "content-length": "4" }],
  ["an ArrayBuffer", () => bytes.buffer, { "content-length": "4" }],
  ["a Blob", () => new Blob(["body"], { type: "text/css" }), { "content-type": "text/css", "content-length": "4" }],
  ["a Blob of a file", () => openAsBlob(join(folder, "file")), { "content-length": "14" }],
  ["URLSearchParams", () => new URLSearchParams({ body: "1" }), { "content-length": "6" }],
  ["FormData", () => form(FormData), { "content-length": expect.any(String) }],
  [
    "undici's FormData",
    () => form(UndiciFormData as unknown as typeof FormData),
    { "content-length": expect.any(String) },
  ],
  ["a web stream", () => new Blob(["body"]).stream(), { "transfer-encoding": "chunked" }],
  ["a Node stream", () => Readable.from(["bo", "dy"]), { "transfer-encoding": "chunked" }],
  [
    "a generator",
    () =>
      (async function* () {
        yield bytes;
      })(),
    { "transfer-encoding": "chunked" },
  ],
  ["a function", () => () => "body", { "content-length": "4" }],
];

test.each(bodies)("%s is sent again as it was", async (_, make, headers) => {
  const server = await serve(BUSY, "reset", {});
  const body = (await make()) as RequestInit["body"];
  const response = await fetch(server.origin, { method: "PUT", body, duplex: "half" } as RequestInit);
  expect(response.status).toBe(200);
  const [first, ...others] = server.requests;
  expect(others).toHaveLength(2);
  expect(first?.body.toString()).toContain("body");
  for (const request of server.requests) {
    expect(request.headers).toMatchObject(headers);
    expect(request.body).toEqual(first?.body);
    expect(request.isComplete).toBe(true);
  }
});

test("a form is what a server can parse, and has the boundary that its type names", async () => {
  const server = await serve({});
  await fetch(server.origin, { method: "POST", body: form(FormData) });
  const [request] = server.requests;
  const parsed = await new Response(new Uint8Array(request!.body), {
    headers: { "content-type": request!.headers["content-type"]! },
  }).formData();
  expect(parsed.get("text")).toBe("body");
});

test("bytes are sent as they were at the time of the call", async () => {
  const server = await serve(BUSY, {});
  const body = Buffer.from("body");
  const response = fetch(server.origin, { method: "PUT", body });
  body.fill("x");
  await response;
  expect(server.requests.map((request) => request.body.toString())).toEqual(["body", "body"]);
});

test("a stream longer than replayLimit is sent once, and the real response is what comes of it", async () => {
  const server = await serve({ status: 503, body: "busy" }, {});
  const body = Readable.from([Buffer.alloc(60), Buffer.alloc(60)]);
  const response = await fetchWith({ replayLimit: 100 })(server.origin, {
    method: "PUT",
    body,
    duplex: "half",
  } as RequestInit);
  expect(response.status).toBe(503);
  expect(await response.text()).toBe("busy");
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]?.body).toHaveLength(120);
});

test("a stream that fails is not sent again, nor passed off as whole", async () => {
  const server = await serve({});
  const lost = new Error("disk");
  async function* failing(): AsyncGenerator<Uint8Array, void> {
    yield bytes;
    throw lost;
  }
  const body = failing() as unknown as RequestInit["body"];
  const response = fetch(server.origin, { method: "PUT", body, duplex: "half" } as RequestInit);
  await expect(response).rejects.toMatchObject({ name: "TypeError", cause: { code: "NETWORK", cause: lost } });
  expect(server.requests.every((request) => !request.isComplete)).toBe(true);
});

test("a status is a response, retries used up or not", async () => {
  const server = await serve({ status: 500, body: "why" });
  const response = await fetchWith({ retries: 2 })(server.origin);
  expect(response.status).toBe(500);
  expect(await response.text()).toBe("why");
  expect(server.requests).toHaveLength(3);
  expect((await fetch(server.origin, { method: "POST", body: "x" })).status).toBe(500);
  expect(server.requests).toHaveLength(4);
});

test("a network failure is a TypeError with an HttpRetryError, and every attempt in it", async () => {
  const server = await serve("reset");
  const error = await fetchWith({ retries: 1 })(server.origin).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  const { cause } = error as { readonly cause: HttpRetryError };
  expect(cause).toBeInstanceOf(HttpRetryError);
  expect(cause.code).toBe("NETWORK");
  expect(cause.attempts).toHaveLength(2);
});

test("a body that breaks after the headers fails the reading with BODY_BROKEN", async () => {
  const server = await serve({ body: "0123456789", cut: { afterBytes: 4, of: "body" } });
  const response = await fetch(server.origin);
  await expect(response.text()).rejects.toMatchObject({ name: "TypeError", cause: { code: "BODY_BROKEN" } });
});

test("a body that breaks is taken up again under a strong validator", async () => {
  const whole = { body: "0123456789", headers: { etag: '"v1"' }, ranges: true };
  const server = await serve({ ...whole, cut: { afterBytes: 4, of: "body" } }, whole);
  expect(await (await fetch(server.origin)).text()).toBe("0123456789");
  expect(server.requests[1]?.headers).toMatchObject({ range: "bytes=4-", "if-range": '"v1"' });
});

test.each(["before the request", "in mid-wait", "in mid-body"])("an abort %s rejects with its reason", async (when) => {
  const reason = new Error("enough");
  const abort = new AbortController();
  const { signal } = abort;
  if (when === "before the request") {
    abort.abort(reason);
    await expect(fetch("http://127.0.0.1:1/", { signal })).rejects.toBe(reason);
  } else if (when === "in mid-wait") {
    const server = await serve(BUSY);
    const onRetry = (): void => queueMicrotask(() => abort.abort(reason));
    const call = fetchWith({ baseDelay: "1h", maxDelay: "1h", deadline: 0, jitter: "none", onRetry });
    await expect(call(server.origin, { signal })).rejects.toBe(reason);
  } else {
    const server = await serve({ body: "0123", claimedLength: 10 });
    const response = await fetch(server.origin, { signal });
    const text = response.text();
    queueMicrotask(() => abort.abort(reason));
    await expect(text).rejects.toBe(reason);
  }
});

test("an abort in mid-upload ends the stream that was being sent", async () => {
  const server = await serve("hang");
  const abort = new AbortController();
  const body = new Readable({ read() {} });
  body.push("some");
  const response = fetch(server.origin, {
    method: "PUT",
    body,
    duplex: "half",
    signal: abort.signal,
  } as unknown as RequestInit);
  await server.waitForRequests(1);
  abort.abort(new Error("enough"));
  await expect(response).rejects.toThrow("enough");
  expect(body.destroyed).toBe(true);
});

test.each(["uses up its retries", "is refused by fetch"])("a stream is destroyed when the call %s", async (how) => {
  const body = new Readable({ read() {} });
  body.push("some");
  const url = how === "is refused by fetch" ? "not a URL" : "http://127.0.0.1:1/";
  await expect(
    fetchWith({ retries: 1 })(url, { method: "PUT", body, duplex: "half" } as unknown as RequestInit),
  ).rejects.toThrow(TypeError);
  expect(body.destroyed).toBe(true);
});

test.each([
  ["undici's", (url: string, init: RequestInit) => new UndiciRequest(url, init as never)],
  ["the global", (url: string, init: RequestInit) => new Request(url, init)],
])("%s Request is taken, with its body", async (_, make) => {
  const server = await serve(BUSY, {});
  const request = make(server.origin, { method: "PUT", body: "body", headers: { "x-name": "value" } });
  await fetch(request);
  expect(request.bodyUsed).toBe(true);
  for (const { method, headers, body } of server.requests) {
    expect([method, body.toString()]).toEqual(["PUT", "body"]);
    expect(headers).toMatchObject({ "x-name": "value", "content-type": "text/plain;charset=UTF-8" });
  }
  await expect(fetch(request)).rejects.toThrow(TypeError);
});

test("what is given besides a Request counts for more", async () => {
  const server = await serve({});
  const request = new Request(server.origin, { method: "PUT", body: "one", headers: { a: "1" } });
  await fetch(request, { method: "POST", body: "two", headers: { b: "2" } });
  expect(server.requests[0]).toMatchObject({ method: "POST", headers: { b: "2" } });
  expect(server.requests[0]?.headers["a"]).toBeUndefined();
  expect(server.requests[0]?.body.toString()).toBe("two");
});

test("the signal of a Request ends the call", async () => {
  const server = await serve("hang");
  const abort = new AbortController();
  const response = fetch(new Request(server.origin, { signal: abort.signal }));
  await server.waitForRequests(1);
  abort.abort(new Error("enough"));
  await expect(response).rejects.toThrow("enough");
});

test("GET with a body is refused as fetch refuses it", async () => {
  await expect(fetch("http://127.0.0.1:1/", { body: "x" })).rejects.toThrow(TypeError);
  await expect(fetch("http://127.0.0.1:1/", { method: "head", body: "x" })).rejects.toThrow(TypeError);
});

test("a stream that was read is refused as fetch refuses it", async () => {
  const body = new Blob(["x"]).stream();
  body.getReader();
  await expect(
    fetch("http://127.0.0.1:1/", { method: "PUT", body, duplex: "half" } as RequestInit),
  ).rejects.toMatchObject({
    name: "TypeError",
    cause: { code: "INVALID_OPTION" },
  });
});

test("an empty body says so", async () => {
  const server = await serve({});
  await fetch(server.origin, { method: "POST", body: "" });
  await fetch(server.origin, { method: "POST" });
  expect(server.requests.map(({ headers }) => headers["content-length"])).toEqual(["0", "0"]);
});

test.each([301, 302, 303, 307, 308])(
  "a redirect by %i sends the body on, or drops it, by the standard",
  async (status) => {
    const server = await serve({ status, headers: { location: "/next" } }, {});
    const response = await fetch(server.origin, { method: "POST", body: "body" });
    expect(response.redirected).toBe(true);
    const keeps = status > 303;
    expect(server.requests[1]).toMatchObject({ method: keeps ? "POST" : "GET", url: "/next" });
    expect(server.requests[1]?.body.toString()).toBe(keeps ? "body" : "");
    expect(server.requests[1]?.headers["content-type"]).toBe(keeps ? "text/plain;charset=UTF-8" : undefined);
  },
);

test("a redirect sends a stream on that was kept", async () => {
  const server = await serve({ status: 307, headers: { location: "/next" } }, {});
  const body = Readable.from(["bo", "dy"]);
  await fetch(server.origin, { method: "PUT", body, duplex: "half" } as unknown as RequestInit);
  expect(server.requests[1]?.body.toString()).toBe("body");
});

test("a redirect that asks for a stream again that was not kept fails, and says why", async () => {
  const server = await serve({ status: 307, headers: { location: "/next" } }, {});
  const body = Readable.from(["body"]);
  const call = fetchWith({ replayLimit: 0 })(server.origin, {
    method: "PUT",
    body,
    duplex: "half",
  } as unknown as RequestInit);
  await expect(call).rejects.toMatchObject({
    name: "TypeError",
    cause: { message: expect.stringContaining("replayLimit") },
  });
});

test("redirect: manual gives the redirect itself, and error refuses it", async () => {
  const server = await serve({ status: 302, headers: { location: "/next" } });
  expect((await fetch(server.origin, { redirect: "manual" })).status).toBe(302);
  await expect(fetch(server.origin, { redirect: "error" })).rejects.toThrow(TypeError);
});

test("to another origin goes no header that may be a credential, and not on the way back either", async () => {
  const other = await serve((request) => ({ status: 302, headers: { location: `${home.origin}/back${request.url}` } }));
  const home: ScriptedServer = await serve({ status: 302, headers: { location: other.origin } }, {});
  await fetch(home.origin, {
    headers: { "X-Api-Key": "k", Authorization: "a", Cookie: "c", Accept: "text/html", "User-Agent": "me" },
  });
  const [first, back] = home.requests;
  expect(first?.headers).toMatchObject({ "x-api-key": "k", authorization: "a", cookie: "c" });
  for (const headers of [other.requests[0]?.headers, back?.headers]) {
    expect(headers).toMatchObject({ accept: "text/html", "user-agent": "me" });
    expect(headers).not.toHaveProperty("x-api-key");
    expect(headers).not.toHaveProperty("authorization");
    expect(headers).not.toHaveProperty("cookie");
  }
});

test("to the same origin all headers go along", async () => {
  const server = await serve({ status: 302, headers: { location: "/next" } }, {});
  await fetch(server.origin, { headers: { "x-api-key": "k" } });
  expect(server.requests[1]?.headers["x-api-key"]).toBe("k");
});

test("one deadline is for all redirects together", async () => {
  const clock = createManualClock();
  const slow = (): Step => {
    clock.advance(60_000);
    return { status: 302, headers: { location: "/next" } };
  };
  const server = await serve(slow, "hang");
  const response = fetchWith({ clock, deadline: "100s", attemptTimeout: 0 })(server.origin);
  await server.waitForRequests(2);
  clock.advance(41_000);
  await expect(response).rejects.toMatchObject({ cause: { code: "DEADLINE" } });
});

test("a dispatcher of the call's own is what it goes through: MockAgent, bodies and all", async () => {
  const mock = new MockAgent();
  mock.disableNetConnect();
  const pool = mock.get("http://mock.test");
  pool.intercept({ path: "/", method: "PUT", body: "body" }).reply(503);
  pool.intercept({ path: "/", method: "PUT", body: "body" }).reply(200, { ok: true });
  const response = await fetch("http://mock.test/", { method: "PUT", body: "body", dispatcher: mock });
  expect(await response.json()).toEqual({ ok: true });
  mock.assertNoPendingInterceptors();
  await mock.close();
});

test("a gzipped response is decoded", async () => {
  const { gzipSync } = await import("node:zlib");
  const server = await serve({ body: gzipSync("plain"), headers: { "content-encoding": "gzip" } });
  expect(await (await fetch(server.origin)).text()).toBe("plain");
});

test("is a fetch to the compiler", () => {
  expectTypeOf(fetch).toExtend<typeof globalThis.fetch>();
  expectTypeOf(fetch).toBeCallableWith(new URL("http://a.test"), { keepalive: true, redirect: "manual", signal: null });
  expectTypeOf(fetch).toBeCallableWith(new UndiciRequest("http://a.test"), { dispatcher: agent });
});
