import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { CHANNELS, createHttpClient, type HttpHooks } from "../src/index.ts";
import { type Script, startScriptedServer } from "../src/testing.ts";

type Heard = [name: keyof HttpHooks, event: unknown][];

const NOW = Date.parse("2026-11-26T12:00:00Z");

function listener(): { readonly heard: Heard; readonly on: HttpHooks } {
  const heard: Heard = [];
  const names = Object.keys(CHANNELS) as (keyof HttpHooks)[];
  const on = Object.fromEntries(names.map((name) => [name, (event: unknown) => heard.push([name, event])]));
  return { heard, on };
}

/** Everything that is told of one GET. */
async function toldOf(script: Script, options: Parameters<typeof createHttpClient>[0] = {}): Promise<Heard> {
  const { heard, on } = listener();
  await using server = await startScriptedServer(script);
  await using client = createHttpClient({ baseUrl: server.origin, random: () => 0, on, ...options });
  await client.get("/users?token=secret", { headers: { authorization: "secret" } }).then(null, () => {});
  const request = { method: "GET", origin: server.origin, path: "/users" };
  for (const [name, event] of heard) if (name !== "breaker") expect(event).toMatchObject({ request });
  expect(JSON.stringify(heard)).not.toContain("secret");
  return heard;
}

const names = (heard: Heard): string[] => heard.map(([name]) => name);
const eventsOf = (heard: Heard, wanted: keyof HttpHooks): unknown[] =>
  heard.filter(([name]) => name === wanted).map(([, event]) => event);

describe("an attempt", () => {
  it("is told of when its response has ended", async () => {
    const heard = await toldOf({ body: "ok" });
    expect(heard).toEqual([
      [
        "attempt",
        {
          request: { method: "GET", origin: expect.stringMatching(/^http:\/\/127/), path: "/users" },
          attempt: 1,
          durationMs: expect.any(Number),
          status: 200,
          isHedge: false,
          attributes: {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": expect.any(Number),
            "url.scheme": "http",
            "http.response.status_code": 200,
          },
        },
      ],
    ]);
  });

  it("has OpenTelemetry's attributes: what it was that went wrong, and its ordinal among resends", async () => {
    const heard = await toldOf([{ status: 503 }, "reset", { status: 404 }]);
    expect(eventsOf(heard, "attempt")).toHaveLength(3);
    const [first, second, third] = eventsOf(heard, "attempt");
    expect(first).toMatchObject({
      attempt: 1,
      status: 503,
      attributes: { "http.response.status_code": 503, "error.type": "503" },
    });
    expect(first).not.toHaveProperty(["attributes", "http.request.resend_count"]);
    expect(second).toMatchObject({
      attempt: 2,
      error: expect.any(Error),
      attributes: { "http.request.resend_count": 1, "error.type": expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) },
    });
    expect(second).not.toHaveProperty("status");
    expect(third).toMatchObject({
      attempt: 3,
      status: 404,
      attributes: { "http.request.resend_count": 2, "error.type": "404" },
    });
  });
});

describe("a retry", () => {
  it("is told of before its wait, with the reason, the delay, and whose word that is", async () => {
    const clock = createManualClock(NOW);
    const seen: unknown[] = [];
    const heard = await toldOf([{ status: 503, headers: { "retry-after": "2", "x-one": "1" } }, "reset", {}], {
      clock,
      random: () => 0.5,
      onRetry: (event) => {
        seen.push(event);
        setImmediate(() => clock.advance(event.delay));
      },
    });
    const retries = eventsOf(heard, "retry");
    expect(retries).toEqual(seen);
    expect(retries).toEqual([
      {
        request: expect.anything(),
        attempt: 1,
        delay: expect.any(Number),
        reason: "503",
        delayFrom: "retry-after",
        response: { status: 503, headers: expect.objectContaining({ "retry-after": "2", "x-one": "1" }) },
      },
      {
        request: expect.anything(),
        attempt: 2,
        delay: 500,
        reason: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/),
        delayFrom: "backoff",
        error: expect.any(Error),
      },
    ]);
    expect((retries[0] as { delay: number }).delay).toBeGreaterThanOrEqual(2000);
  });
});

describe("a call that is given up", () => {
  it.each([
    ["attempts", { status: 503 }, { retries: 1 }],
    ["budget", { status: 503 }, { budget: { ratio: 0, reserve: 0 } }],
    ["wait-too-long", { status: 429, headers: { "retry-after": "3600" } }, {}],
    ["deadline", { status: 503 }, { deadline: "1s", baseDelay: "2s", jitter: "none" }],
  ] as const)("is told of with why: %s", async (why, step, options) => {
    const clock = createManualClock(NOW);
    const heard = await toldOf(step, {
      clock,
      onRetry: ({ delay }) => setImmediate(() => clock.advance(delay)),
      ...options,
    });
    const [event] = eventsOf(heard, "giveUp");
    expect(event).toMatchObject({ why, reason: String(step.status), attempts: why === "attempts" ? 2 : 1 });
    if (why === "wait-too-long") expect(event).toMatchObject({ until: NOW + 3_600_000 });
    else expect(event).not.toHaveProperty("until");
    expect(names(heard).filter((name) => name === "giveUp")).toHaveLength(1);
  });
});

describe("an origin", () => {
  it("whose budget is spent is told of for each retry that is not made", async () => {
    const heard = await toldOf({ status: 503 }, { budget: { ratio: 0, reserve: 1 } });
    expect(eventsOf(heard, "budget")).toEqual([
      { origin: expect.stringMatching(/^http:\/\/127/), request: expect.anything() },
    ]);
  });

  it("whose breaker opens and closes is told of by each of its states", async () => {
    const { heard, on } = listener();
    const clock = createManualClock(NOW);
    await using server = await startScriptedServer([{ status: 503 }, { status: 503 }, {}]);
    await using client = createHttpClient({
      baseUrl: server.origin,
      clock,
      retries: 0,
      breaker: { minimum: 2, open: "10s", probes: 1 },
      on,
    });
    for (let call = 0; call < 2; call++) await client.get("/").then(null, () => {});
    await expect(client.get("/").text()).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    clock.advance(10_000);
    await client.get("/");
    const { origin } = server;
    expect(eventsOf(heard, "breaker")).toEqual([
      { origin, state: "open" },
      { origin, state: "half-open" },
      { origin, state: "closed" },
    ]);
    expect(server.requests).toHaveLength(3);
  });
});

describe("diagnostics channels", () => {
  it("carry the same events, whatever client they are of", async () => {
    const published: unknown[] = [];
    const listen = (event: unknown): number => published.push(event);
    for (const channel of Object.values(CHANNELS)) subscribe(channel, listen);
    try {
      const heard = await toldOf([{ status: 503 }, { body: "ok" }]);
      expect(published).toEqual(heard.map(([, event]) => event));
      expect(published).toHaveLength(3);
    } finally {
      for (const channel of Object.values(CHANNELS)) unsubscribe(channel, listen);
    }
  });
});

describe("a hook that throws", () => {
  it("does not change the call, and is an uncaught exception", async () => {
    const mistake = new Error("in a hook");
    const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
    const others = process.listeners("uncaughtException").slice(0, -1);
    for (const other of others) process.off("uncaughtException", other);
    try {
      await using server = await startScriptedServer({ body: "ok" });
      const attempt = (): never => {
        throw mistake;
      };
      await using client = createHttpClient({ baseUrl: server.origin, on: { attempt } });
      expect(await client.get("/").text()).toBe("ok");
      expect(await uncaught).toBe(mistake);
    } finally {
      for (const other of others) process.on("uncaughtException", other);
    }
  });
});
