import { Readable } from "node:stream";
import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type CallOptions, createHttpClient, HttpRetryError } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";
import { Recorder } from "./recorder.ts";

const SECRETS = {
  authorization: "Bearer secret",
  cookie: "session=secret",
  "x-api-key": "secret",
  "X-Custom-Auth": "secret",
};

async function failure(promise: PromiseLike<unknown>): Promise<HttpRetryError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpRetryError);
  return error as HttpRetryError;
}

describe("a redirect", () => {
  it("is followed to where it leads, relative or not, and the response says where it came from", async () => {
    const dispatcher = new Recorder(
      { status: 302, headers: { location: "../b?x=1#part" } },
      { status: 301, headers: { location: "https://other.test:8443/c" } },
      { body: '{"id":7}' },
    );
    const client = createHttpClient({ dispatcher });
    const response = await client.get("https://api.test/a/a");
    expect(dispatcher.requests.map(({ origin, path }) => origin + path)).toEqual([
      "https://api.test/a/a",
      "https://api.test/b?x=1",
      "https://other.test:8443/c",
    ]);
    expect(response).toMatchObject({ status: 200, url: "https://other.test:8443/c" });
    expect(await response.json()).toEqual({ id: 7 });
  });

  it.each([
    ["POST", 301, "GET"],
    ["POST", 302, "GET"],
    ["POST", 303, "GET"],
    ["PUT", 303, "GET"],
    ["POST", 307, "POST"],
    ["POST", 308, "POST"],
    ["PUT", 301, "PUT"],
    ["DELETE", 302, "DELETE"],
    ["HEAD", 303, "HEAD"],
    ["GET", 303, "GET"],
  ])("of a %s by %i goes on as a %s, with the body only where the method stays", async (method, status, next) => {
    const dispatcher = new Recorder({ status, headers: { location: "/b" } }, {});
    const client = createHttpClient({ dispatcher });
    const hasBody = method === "POST" || method === "PUT";
    const headers = { "content-language": "en", "x-kept": "yes" };
    await client.request(method, "https://api.test/a", { headers, ...(hasBody && { json: { a: 1 } }) });
    const [, second] = dispatcher.requests;
    expect(second).toMatchObject({ method: next, body: method === next && hasBody ? '{"a":1}' : undefined });
    const names = method === next || !hasBody ? ["content-language", "x-kept"] : ["x-kept"];
    expect(Object.keys(second?.headers ?? {}).filter((name) => !/^content-(?:type|length)$/.test(name))).toEqual(
      method === next ? names : ["x-kept"],
    );
    expect("content-type" in (second?.headers ?? {})).toBe(method === next && hasBody);
  });

  it("to another origin takes along no header that may be a credential, under whatever name", async () => {
    const dispatcher = new Recorder(
      { status: 307, headers: { location: "http://api.test/b" } },
      { status: 307, headers: { location: "https://api.test/c" } },
      {},
    );
    const client = createHttpClient({ dispatcher, headers: SECRETS });
    await client.get("https://api.test/a", { headers: { accept: "text/plain", "X-Mine": "secret" } });
    const [first, second, third] = dispatcher.requests;
    expect(first?.headers).toEqual({
      authorization: "Bearer secret",
      cookie: "session=secret",
      "x-api-key": "secret",
      "x-custom-auth": "secret",
      accept: "text/plain",
      "x-mine": "secret",
    });
    expect(second?.headers).toEqual({ accept: "text/plain" });
    // What was left behind does not come back with the first origin: whoever is between has chosen the path.
    expect(third?.headers).toEqual({ accept: "text/plain" });
  });

  it("within an origin takes all headers along", async () => {
    const dispatcher = new Recorder({ status: 307, headers: { location: "/b" } }, {});
    const client = createHttpClient({ dispatcher, headers: { "x-api-key": "secret" } });
    await client.get("https://api.test/a");
    expect(dispatcher.requests[1]?.headers).toEqual({ "x-api-key": "secret" });
  });

  it("sends a body again that can be sent again", async () => {
    await using server = await startScriptedServer([{ status: 307, headers: { location: "/b" } }, {}]);
    await using client = createHttpClient({ baseUrl: server.origin });
    const form = new FormData();
    form.set("file", new Blob(["x".repeat(100_000)]), "x.txt");
    await client.post("/a", { body: form });
    await server.requests[1]?.ended;
    const [first, second] = server.requests;
    expect(second?.url).toBe("/b");
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    expect(second?.body.byteLength).toBeGreaterThan(100_000);
  });

  it("sends a stream again as far as it was kept, and is refused beyond", async () => {
    await using server = await startScriptedServer([{ status: 307, headers: { location: "/b" } }, {}]);
    await using client = createHttpClient({ baseUrl: server.origin, replayLimit: 1000 });
    await client.put("/a", { body: Readable.from([Buffer.alloc(900, "a")]) });
    expect(server.requests[1]?.body.toString()).toBe("a".repeat(900));

    await using other = await startScriptedServer([{ status: 307, headers: { location: "/b?token=secret" } }, {}]);
    const refused = await failure(client.put(`${other.origin}/a`, { body: Readable.from([Buffer.alloc(1100)]) }));
    expect(refused).toMatchObject({ code: "BODY_NOT_REPLAYABLE", response: { status: 307 } });
    expect(refused.message).not.toContain("secret");
    expect(other.requests).toHaveLength(1);
  });

  it("is followed ten times by default, and as often as maxRedirects says", async () => {
    const loop = { status: 302, headers: { location: "/again?token=secret" } };
    const dispatcher = new Recorder(loop);
    const client = createHttpClient({ dispatcher });
    const error = await failure(client.get("https://api.test/again"));
    expect(error).toMatchObject({
      code: "TOO_MANY_REDIRECTS",
      message:
        "GET https://api.test/again answered 302 after 10 redirects; raise maxRedirects where that many are meant",
      response: { status: 302 },
    });
    expect(dispatcher.requests).toHaveLength(11);
    await failure(client.get("https://api.test/again", { maxRedirects: 2 }));
    expect(dispatcher.requests).toHaveLength(14);
  });

  it("is handed on as it is where none are to be followed, and where it leads nowhere", async () => {
    const dispatcher = new Recorder({ status: 302, headers: { location: "/b" }, body: "moved" });
    const client = createHttpClient({ dispatcher, maxRedirects: 0 });
    const response = await client.get("https://api.test/a");
    expect([response.status, response.headers["location"], response.text()]).toEqual([302, "/b", "moved"]);

    const nowhere = createHttpClient({ dispatcher: new Recorder({ status: 302, body: "no location" }) });
    expect((await nowhere.get("https://api.test/a")).status).toBe(302);
  });

  it.each([["javascript:alert(1)"], ["file:///etc/passwd"], ["http://"], [["/a", "/b"]]])(
    "to %j is refused",
    async (location) => {
      const client = createHttpClient({ dispatcher: new Recorder({ status: 302, headers: { location } }) });
      const error = await failure(client.get("https://api.test/a?token=secret"));
      expect(error).toMatchObject({
        code: "INVALID_REDIRECT",
        message: "GET https://api.test/a answered 302 with a location that is no http or https URL",
      });
    },
  );

  it("does not need its body: one that breaks, or never ends, is left", async () => {
    const redirect = { status: 302, headers: { location: "/b" }, body: "x".repeat(200_000) };
    await using server = await startScriptedServer([
      { ...redirect, cut: { afterBytes: 1000, of: "body" } },
      { ...redirect, claimedLength: 300_000 },
      { body: "here" },
    ]);
    await using client = createHttpClient({ baseUrl: server.origin, retries: 0 });
    expect(await client.get("/a").text()).toBe("here");
  });
});

describe("a chain of redirects", () => {
  it("has one deadline", async () => {
    const clock = createManualClock();
    await using server = await startScriptedServer(
      [
        { status: 302, headers: { location: "/b" }, delay: "3s" },
        { status: 302, headers: { location: "/c" }, delay: "3s" },
        { body: "too late", delay: "5s" },
      ],
      { clock },
    );
    await using client = createHttpClient({ baseUrl: server.origin, deadline: "10s", clock });
    const call = failure(client.get("/a"));
    for (let requests = 1; requests <= 3; requests++) {
      await server.waitForRequests(requests);
      await clock.advanceAsync(requests === 3 ? 4000 : 3000);
    }
    expect(await call).toMatchObject({ code: "DEADLINE" });
    expect(server.requests.map(({ url }) => url)).toEqual(["/a", "/b", "/c"]);
  });

  it("tries each of its requests again, and names all attempts when it fails", async () => {
    await using server = await startScriptedServer([
      { status: 503 },
      { status: 302, headers: { location: "/b" } },
      { status: 503 },
      { status: 404, body: "no such thing" },
    ]);
    await using client = createHttpClient({ baseUrl: server.origin, random: () => 0 });
    const error = await failure(client.get("/a"));
    expect(error).toMatchObject({ code: "STATUS", response: { status: 404 } });
    expect(error.attempts.map(({ number, status }) => [number, status])).toEqual([
      [1, 503],
      [2, 302],
      [3, 503],
      [4, 404],
    ]);
  });

  it("names all attempts too when the last of its requests has no response", async () => {
    await using server = await startScriptedServer([{ status: 302, headers: { location: "/b" } }, "reset"]);
    await using client = createHttpClient({ baseUrl: server.origin, retries: 1, random: () => 0 });
    const error = await failure(client.get("/a"));
    expect(error).toMatchObject({ code: "NETWORK", cause: expect.any(Error) });
    expect(error.attempts.map(({ number, status }) => [number, status])).toEqual([
      [1, 302],
      [2, undefined],
      [3, undefined],
    ]);
  });

  it("ends at once when the signal aborts, between one and the next too", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    await using server = await startScriptedServer(({ number }) => {
      if (number === 2) controller.abort(reason);
      return { status: 302, headers: { location: "/b" } };
    });
    await using client = createHttpClient({ baseUrl: server.origin });
    const options: CallOptions = { signal: controller.signal };
    await expect(client.get("/a", options).text()).rejects.toBe(reason);
    expect(server.requests).toHaveLength(2);
  });
});
