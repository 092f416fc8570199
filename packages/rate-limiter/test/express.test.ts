import { type Site, serve } from "@holdfast/testing";
import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { byAddress, type MiddlewareOptions, rateLimit } from "../src/http/express.ts";
import { createRateLimiter, memoryStore, type RateLimiterOptions } from "../src/index.ts";
import { failingStore } from "./failing-store.ts";

type Options = Omit<MiddlewareOptions<express.Request, express.Response>, "limiter"> & {
  limiter?: Partial<RateLimiterOptions>;
};

function down() {
  const store = failingStore();
  store.state = "failing";
  return store;
}

let site: Site | undefined;
afterEach(() => site?.[Symbol.asyncDispose]());

async function start({ limiter, ...options }: Options = {}) {
  const app = express();
  app.use("/api", rateLimit({ limiter: createRateLimiter({ rules: "2/minute", ...limiter }), ...options }));
  app.get("/api/echo", (_, response) => void response.send("echo"));
  app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(500).send(error.message);
  });
  site = await serve(app);
  const { url } = site;
  return (headers: Record<string, string> = {}) => fetch(`${url}/api/echo`, { headers });
}

describe("the Express face", () => {
  it("lets requests pass with their quota in the fields", async () => {
    const get = await start();
    const response = await get();
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("echo");
    expect(response.headers.get("ratelimit-policy")).toBe('"2/1m";q=2;w=60');
    expect(response.headers.get("ratelimit")).toBe('"2/1m";r=1;t=30');
    expect(response.headers.has("retry-after")).toBe(false);
  });

  it("answers one too many with 429, Retry-After and a problem that names the policy", async () => {
    const get = await start();
    await get();
    await get();
    const response = await get();
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe("30");
    expect(response.headers.get("ratelimit")).toBe('"2/1m";r=0;t=30');
    expect(await response.json()).toEqual({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      title: "Too many requests",
      status: 429,
      detail: "Try again in 30 s.",
      "violated-policies": ["2/1m"],
    });
  });

  it("believes no forwarding header unless it is told whom to trust", async () => {
    const get = await start();
    const statuses = [];
    for (let call = 0; call < 5; call++) statuses.push((await get({ "x-forwarded-for": `198.51.100.${call}` })).status);
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
  });

  it("counts by the address before the trusted proxies, never by the leftmost", async () => {
    const get = await start({ key: byAddress({ trustedProxies: 1 }) });
    for (const address of ["198.51.100.1", "198.51.100.2"]) {
      expect((await get({ "x-forwarded-for": address })).status).toBe(200);
      expect((await get({ "x-forwarded-for": `6.6.6.6, ${address}` })).status).toBe(200);
      expect((await get({ "x-forwarded-for": `7.7.7.7, ${address}` })).status).toBe(429);
    }
  });

  it("counts by the caller's own key, cost and rules, and skips what it is told to", async () => {
    const get = await start({
      key: async (view, request) => `user ${view.header("x-user")} ${request.ip}`,
      cost: (view) => Number(view.header("x-cost") ?? 1),
      rules: (view) => (view.header("x-plan") === "gold" ? "5/minute" : undefined),
      skip: (view) => view.header("x-internal") === "yes",
    });
    expect((await get({ "x-user": "a", "x-cost": "2" })).status).toBe(200);
    expect((await get({ "x-user": "a" })).status).toBe(429);
    expect((await get({ "x-user": "b" })).status).toBe(200);
    const gold = await get({ "x-user": "a", "x-plan": "gold" });
    expect(gold.headers.get("ratelimit-policy")).toBe('"5/1m";q=5;w=60');
    const internal = await get({ "x-user": "a", "x-internal": "yes" });
    expect(internal.status).toBe(200);
    expect(internal.headers.has("ratelimit")).toBe(false);
  });

  it("tells a cost that never fits from one that may fit later", async () => {
    const get = await start({ cost: () => 3 });
    const response = await get();
    expect(response.status).toBe(429);
    expect(response.headers.has("retry-after")).toBe(false);
    expect(await response.json()).toMatchObject({ detail: "The request costs more than its quota ever holds." });
  });

  it("leaves the answer to the caller when asked to, with the fields set", async () => {
    const get = await start({
      onRefused: (refusal, _request, response) => {
        response.status(503).send(`later: ${refusal.outcome}`);
      },
    });
    await get();
    await get();
    const response = await get();
    expect(response.status).toBe(503);
    expect(await response.text()).toBe("later: refused");
    expect(response.headers.get("retry-after")).toBe("30");
  });

  it.each<[string, Options]>([
    [
      "a key that throws",
      {
        key: () => {
          throw new Error("boom");
        },
      },
    ],
    ["a key that rejects", { key: () => Promise.reject(new Error("boom")) }],
    ["an empty key", { key: () => "" }],
    ["a store that rejects", { limiter: { store: down(), whenStoreFails: "reject" } }],
  ])("hands %s to the error handler", async (_, options) => {
    const get = await start(options);
    const response = await get();
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(/boom|empty|refused/);
  });

  it("answers 503 for a store that is gone where nobody may pass then, and says nothing of quotas", async () => {
    const get = await start({ limiter: { store: down(), whenStoreFails: { mode: "closed" } } });
    const response = await get();
    expect(response.status).toBe(503);
    expect(response.headers.has("ratelimit")).toBe(false);
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await response.json()).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    });
  });

  it("answers 503 for a client that the store has no room for, and says nothing of quotas", async () => {
    const store = memoryStore({ maxKeys: 1, whenFull: "refuse" });
    const get = await start({ limiter: { store }, key: (view) => view.header("x-user") ?? "" });
    expect((await get({ "x-user": "known" })).status).toBe(200);
    const response = await get({ "x-user": "new" });
    expect(response.status).toBe(503);
    expect(response.headers.has("ratelimit")).toBe(false);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toEqual({
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
      title: "Reduced capacity",
      status: 503,
      detail: "Try again in 1 s.",
      "violated-policies": [],
    });
    expect((await get({ "x-user": "known" })).status).toBe(200);
  });

  it("shows nothing of a dry run", async () => {
    const get = await start({ limiter: { dryRun: true } });
    for (let call = 0; call < 5; call++) {
      const response = await get();
      expect([response.status, response.headers.has("ratelimit")]).toEqual([200, false]);
    }
  });

  it("names a blocked key's block in the fields and the problem", async () => {
    const get = await start({ limiter: { penalty: { refusals: 1, within: "1h", block: "90s" } } });
    await get();
    await get();
    const response = await get();
    expect(response.status).toBe(429);
    expect(response.headers.get("ratelimit")).toBe('"2/1m";r=0;t=90');
    expect(response.headers.get("retry-after")).toBe("90");
    expect(await response.json()).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
      "violated-policies": ["2/1m"],
    });
  });
});
