import { type Script, type ScriptedServer, startScriptedServer } from "@holdfast/http-retry/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { serve } from "./site.ts";

const ORDER = { id: "7", status: "sent", total: 12.5 };
const FOUND = { headers: { "content-type": "application/json" }, body: JSON.stringify({ ...ORDER, cost: "secret" }) };
const KEY = { "x-api-key": "dev-key-12345" };

async function start(script: Script) {
  const upstream: ScriptedServer = await startScriptedServer(script);
  onTestFinished(() => upstream.close());
  const site = await serve({ env: { ORDERS_URL: `${upstream.origin}/v1`, API_KEYS: KEY["x-api-key"] } });
  return { ...site, upstream };
}

describe("GET /api/orders/:id", () => {
  it("answers with the order as far as it is ours to tell", async () => {
    const { get, upstream } = await start(FOUND);
    const response = await get("/api/orders/7", KEY);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(ORDER);
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/v1/orders/7"]);
  });

  it("is for those with a key, and says so to the others", async () => {
    const { get, upstream } = await start(FOUND);
    for (const headers of [{}, { "x-api-key": "nonsense" }]) {
      const response = await get("/api/orders/7", headers as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toContain('Bearer realm="api"');
    }
    expect((await get("/api/orders/7?api_key=dev-key-12345")).status).toBe(400);
    expect(upstream.requests).toHaveLength(0);
  });

  it("bears with a service that fails for a while", async () => {
    const { get, upstream, log } = await start([{ status: 503 }, "reset", FOUND]);
    expect((await get("/api/orders/7", KEY)).status).toBe(200);
    expect(upstream.requests).toHaveLength(3);
    expect(log.filter(({ msg }) => msg === "asking for the order again")).toHaveLength(2);
    const metrics = await (await get("/api/metrics", { accept: "text/plain" })).text();
    expect(metrics).toMatch(/^holdfast_http_retry_retries_total\{.*reason="503"/m);
    expect(metrics).toContain('holdfast_api_key_checks_total{outcome="accepted"} 1');
  });

  it("passes on when the other side asks not to be asked", async () => {
    const { get } = await start({ status: 503, headers: { "retry-after": "3600" } });
    const response = await get("/api/orders/7", KEY);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(3590);
  });

  it.each([
    ["a status that another try would meet again", { status: 400 }, 502],
    ["what is no order", { body: '{"id":7}' }, 502],
    ["what is no JSON", { body: "<html>" }, 502],
    ["that there is none", { status: 404 }, 404],
  ] as const)("answers %s with its own status", async (_what, step, status) => {
    const { get } = await start(step);
    const response = await get("/api/orders/7", KEY);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("keeps a made-up id inside the path of orders", async () => {
    const { get, upstream } = await start({ status: 404 });
    await get("/api/orders/..%2F..%2Fadmin", KEY);
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/v1/orders/..%2F..%2Fadmin"]);
  });

  it("is served by nobody where ORDERS_URL is not set", async () => {
    const { get } = await serve();
    expect((await get("/api/orders/7", KEY)).status).toBe(404);
  });
});
