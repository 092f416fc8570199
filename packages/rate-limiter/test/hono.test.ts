import { type Site, serve } from "@holdfast/testing";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { type GuardOptions, rateLimit } from "../src/http/hono.ts";
import { createRateLimiter } from "../src/index.ts";

type HonoContext = Parameters<ReturnType<typeof rateLimit>>[0];

let site: Site | undefined;
afterEach(() => site?.[Symbol.asyncDispose]());

function makeApp(options: Partial<Parameters<typeof rateLimit>[0]> = {}) {
  const app = new Hono();
  app.use("/api/*", rateLimit({ limiter: createRateLimiter({ rules: "2/minute" }), ...options }));
  app.get("/api/echo", (context) => context.text("echo"));
  app.onError((error, context) => context.text(error.message, 500));
  return app;
}

describe("the Hono face", () => {
  it("counts by the socket's address under @hono/node-server and sends the same fields and problem as the others", async () => {
    site = await serve(getRequestListener(makeApp().fetch));
    const first = await fetch(`${site.url}/api/echo`);
    expect(first.status).toBe(200);
    expect(first.headers.get("ratelimit-policy")).toBe('"2/1m";q=2;w=60');
    expect(first.headers.get("ratelimit")).toBe('"2/1m";r=1;t=30');
    await fetch(`${site.url}/api/echo`, { headers: { "x-forwarded-for": "6.6.6.6" } });
    const third = await fetch(`${site.url}/api/echo`, { headers: { "x-forwarded-for": "7.7.7.7" } });
    expect(third.status).toBe(429);
    expect(third.headers.get("content-type")).toBe("application/problem+json");
    expect(third.headers.get("retry-after")).toBe("30");
    expect(await third.json()).toMatchObject({ status: 429, "violated-policies": ["2/1m"] });
  });

  it("takes the caller's key, skips what it is told to and leaves the answer to the caller", async () => {
    const options: Omit<GuardOptions<HonoContext>, "limiter"> = {
      key: (view) => `user ${view.header("x-user")}`,
      skip: async (view) => view.url === "/api/echo?internal",
    };
    const app = makeApp({ ...options, onRefused: (refusal) => new Response(refusal.outcome, { status: 420 }) });
    const get = (user: string, query = "") => app.request(`/api/echo${query}`, { headers: { "x-user": user } });
    await get("a");
    await get("a");
    const refused = await get("a");
    expect([refused.status, await refused.text(), refused.headers.get("retry-after")]).toEqual([420, "refused", "30"]);
    expect((await get("b")).status).toBe(200);
    const skipped = await get("a", "?internal");
    expect([skipped.status, skipped.headers.has("ratelimit")]).toEqual([200, false]);
  });

  it("hands what a key throws to the error handler", async () => {
    const app = makeApp({ key: () => Promise.reject(new Error("boom")) });
    const response = await app.request("/api/echo");
    expect([response.status, await response.text()]).toEqual([500, "boom"]);
  });

  it("lets requests of unknown address share one bucket rather than pass", async () => {
    const app = makeApp();
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await app.request("/api/echo")).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});
