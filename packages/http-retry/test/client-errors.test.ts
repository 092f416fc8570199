import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type AttemptRecord, CHANNELS, createHttpClient, HttpRetryError } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";

const AT_ONCE = { random: () => 0 };
const NOW = Date.parse("2026-11-26T12:00:00Z");

async function failure(promise: PromiseLike<unknown>): Promise<HttpRetryError> {
  const error = await promise.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpRetryError);
  return error as HttpRetryError;
}

const shown = ({ number, status, error }: AttemptRecord): unknown[] => [
  number,
  status ?? (error as NodeJS.ErrnoException).code,
];

describe("a status of 400 or above", () => {
  it("is an error with the response, whose body is there to read", async () => {
    await using server = await startScriptedServer({
      status: 422,
      headers: { "content-type": "application/problem+json", "x-request-id": "r1" },
      body: '{"title":"Too short"}',
    });
    await using client = createHttpClient({ baseUrl: server.origin });
    const error = await failure(client.post("/users?token=secret", { json: { name: "secret" } }));
    expect(error).toMatchObject({
      name: "HttpRetryError",
      code: "STATUS",
      message: `POST ${server.origin}/users answered 422`,
      response: { status: 422, headers: { "x-request-id": "r1" }, isTruncated: false },
    });
    expect(error.response?.json()).toEqual({ title: "Too short" });
    expect(error.attempts).toEqual([{ number: 1, status: 422, durationMs: expect.any(Number), waitMs: 0 }]);
  });

  it("lists all attempts, each with its status or cause, and its wait", async () => {
    const clock = createManualClock(NOW);
    await using server = await startScriptedServer([
      { status: 503, headers: { "retry-after": "2" } },
      "reset",
      { status: 500, body: "still broken" },
    ]);
    await using client = createHttpClient({
      baseUrl: server.origin,
      retries: 2,
      clock,
      random: () => 0.5,
      onRetry: ({ delay }) => setImmediate(() => clock.advance(delay)),
    });
    const error = await failure(client.get("/users"));
    expect(error).toMatchObject({
      code: "STATUS",
      message: `GET ${server.origin}/users answered 500, the last of 3 attempts`,
      response: { status: 500 },
    });
    expect(error.response?.text()).toBe("still broken");
    expect(error.attempts.map(shown)).toEqual([
      [1, 503],
      [2, expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/)],
      [3, 500],
    ]);
    const [first, second, third] = error.attempts;
    expect(first?.waitMs).toBeGreaterThanOrEqual(2000);
    expect(second?.waitMs).toBe(500);
    expect(third?.waitMs).toBe(0);
  });

  it("keeps 64 KiB of a body that is longer, and says so", async () => {
    await using server = await startScriptedServer({ status: 404, body: "x".repeat(300_000) });
    await using client = createHttpClient({ baseUrl: server.origin });
    const { response } = await failure(client.get("/"));
    expect(response?.isTruncated).toBe(true);
    expect(response?.text()).toBe("x".repeat(64 * 1024));
    expect(() => response?.json()).toThrow(SyntaxError);
  });

  it("is still told of when its body breaks, and when there is none", async () => {
    await using server = await startScriptedServer([
      { status: 404, body: "not found, since", cut: { afterBytes: 9, of: "body" } },
      { status: 404 },
    ]);
    await using client = createHttpClient({ baseUrl: server.origin, retries: 0 });
    const cut = await failure(client.get("/"));
    expect(cut).toMatchObject({ code: "STATUS", response: { status: 404, isTruncated: true } });
    expect(cut.response?.text()).toBe("not found");
    expect(cut.attempts.map(({ number, status }) => [number, status])).toEqual([[1, 404]]);
    const empty = await failure(client.head("/"));
    expect(empty).toMatchObject({ code: "STATUS", response: { status: 404, isTruncated: false } });
  });

  it.each([
    [{}, /answered 503; it may have been carried out, so it is not sent again without idempotencyKey or retryUnsafe$/],
    [{ retryUnsafe: true, retries: 1 }, /answered 503, the last of 2 attempts$/],
  ])("says of a POST why it was not sent again: %j", async (options, message) => {
    await using server = await startScriptedServer({ status: 503 });
    await using client = createHttpClient({ baseUrl: server.origin, ...AT_ONCE });
    expect((await failure(client.post("/", options))).message).toMatch(message);
  });

  it("says so when the retry budget is spent", async () => {
    await using server = await startScriptedServer({ status: 503 });
    await using client = createHttpClient({ baseUrl: server.origin, ...AT_ONCE, budget: { ratio: 0, reserve: 1 } });
    expect((await failure(client.get("/"))).message).toMatch(/the last of 2 attempts; .* too many of the origin's/);
  });
});

describe("a server that asks for too long a wait", () => {
  it("is left at once, and the error says until when", async () => {
    const clock = createManualClock(NOW);
    await using server = await startScriptedServer({
      status: 429,
      headers: { "retry-after": "3600" },
      body: "slow down",
    });
    await using client = createHttpClient({ baseUrl: server.origin, clock });
    const error = await failure(client.get("/users"));
    expect(error).toMatchObject({
      code: "WAIT_TOO_LONG",
      message: `GET ${server.origin}/users answered 429 and wants no request until 2026-11-26T13:00:00.000Z; ask again then`,
      retryAt: new Date(NOW + 3_600_000),
      response: { status: 429 },
    });
    expect(error.response?.text()).toBe("slow down");
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
  });

  it("is a DEADLINE where it is our own delay that is too long", async () => {
    const clock = createManualClock(NOW);
    await using server = await startScriptedServer({ status: 503 });
    await using client = createHttpClient({
      baseUrl: server.origin,
      clock,
      deadline: "1s",
      baseDelay: "2s",
      jitter: "none",
    });
    expect(await failure(client.get("/"))).toMatchObject({ code: "DEADLINE", response: { status: 503 } });
  });
});

describe("no response at all", () => {
  it("is NETWORK, with what went wrong last as its cause", async () => {
    await using server = await startScriptedServer([{ status: 503, body: "overloaded" }, "reset"]);
    await using client = createHttpClient({ baseUrl: server.origin, ...AT_ONCE, retries: 2 });
    const error = await failure(client.get("/users?token=secret"));
    expect(error).toMatchObject({ code: "NETWORK", response: { status: 503 } });
    expect(error.response?.text()).toBe("overloaded");
    expect(error.cause).toBe(error.attempts.at(-1)?.error);
    expect(error.attempts.map(({ number, status }) => [number, status])).toEqual([
      [1, 503],
      [2, undefined],
      [3, undefined],
    ]);
    expect(inspect(error)).not.toContain("secret");
  });

  it("is TIMEOUT where the last attempt had none in time", async () => {
    const clock = createManualClock(NOW);
    await using server = await startScriptedServer("hang", { clock });
    await using client = createHttpClient({ baseUrl: server.origin, clock, attemptTimeout: "1s", retries: 0 });
    const call = failure(client.get("/"));
    await server.waitForRequests(1);
    await clock.advanceAsync(1000);
    expect(await call).toMatchObject({ code: "TIMEOUT", attempts: [{ number: 1, durationMs: 1000 }] });
  });
});

describe("an abort", () => {
  it("before the call sends nothing, and rejects with the reason itself", async () => {
    await using server = await startScriptedServer();
    await using client = createHttpClient({ baseUrl: server.origin });
    const reason = { why: "not an Error" };
    await expect(client.get("/", { signal: AbortSignal.abort(reason) }).json()).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ["while headers are waited for", "undici:client:sendHeaders", "hang"],
    ["during a body", "undici:request:headers", { body: "x", claimedLength: 1000 }],
    ["during an error's body", "undici:request:headers", { status: 404, body: "x", claimedLength: 1000 }],
    ["between two attempts", CHANNELS.retry, { status: 503, headers: { "retry-after": "30" } }],
  ] as const)("%s rejects with the reason itself", async (_when, channel, step) => {
    await using server = await startScriptedServer(step);
    await using client = createHttpClient({ baseUrl: server.origin });
    const controller = new AbortController();
    const reason = new Error("enough");
    const told = messageOn(channel);
    const settled = expect(client.get("/", { signal: controller.signal }).text()).rejects.toBe(reason);
    await told;
    controller.abort(reason);
    await settled;
  });
});

describe("an error that is written out", () => {
  it("shows neither body nor headers of the response", async () => {
    await using server = await startScriptedServer({
      status: 400,
      headers: { "set-cookie": "session=secret" },
      body: "secret",
    });
    await using client = createHttpClient({ baseUrl: server.origin });
    const error = await failure(client.get("/?token=secret", { headers: { authorization: "secret" } }));
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("secret");
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain("secret");
  });
});

function messageOn(channel: string): Promise<void> {
  return new Promise((resolve) => {
    const listener = (): void => {
      unsubscribe(channel, listener);
      resolve();
    };
    subscribe(channel, listener);
  });
}
