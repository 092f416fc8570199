import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { serve } from "./site.ts";

const statuses = async (answers: readonly Promise<Response>[]): Promise<number[]> =>
  (await Promise.all(answers)).map(({ status }) => status);

describe("/api/echo", () => {
  it("says back method, path and query", async () => {
    const { get } = await serve();
    const response = await get("/api/echo?hello=world&n=1&n=2", { authorization: "Bearer s3cr3t" });
    const { requestId, ...rest } = (await response.json()) as Record<string, unknown>;
    expect(rest).toEqual({ method: "GET", path: "/api/echo", query: { hello: "world", n: ["1", "2"] } });
    expect(requestId).toBe(response.headers.get("x-request-id"));
  });

  it.each(["{}", '{"a":[1,null,{"b":"c"}]}', '"text"', "0", "false", "null"])("says back JSON: %s", async (body) => {
    const { post } = await serve();
    const response = await post("/api/echo", body);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ method: "POST", body: JSON.parse(body) });
  });

  it("takes a POST without a body", async () => {
    const { post } = await serve();
    const response = await post("/api/echo", "", {});
    expect(response.status).toBe(200);
    expect(await response.json()).not.toHaveProperty("body");
  });
});

describe("the rate limit of /api/echo", () => {
  it("tells each allowed request what is left", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "60/minute" }, clock: createManualClock() });
    const { status, headers } = await get("/api/echo");
    expect(status).toBe(200);
    expect(headers.get("ratelimit-policy")).toBe('"60/1m";q=60;w=60');
    expect(headers.get("ratelimit")).toBe('"60/1m";r=59;t=1');
    expect(headers.has("retry-after")).toBe(false);
  });

  it("refuses one too many with 429, the fields and a problem, until time has passed", async () => {
    const clock = createManualClock();
    const { get, post } = await serve({ env: { RATE_LIMIT: "2/minute" }, clock });
    await get("/api/echo");
    await post("/api/echo", "{}");
    const response = await get("/api/echo");
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe("30");
    expect(response.headers.get("ratelimit-policy")).toBe('"2/1m";q=2;w=60');
    expect(response.headers.get("ratelimit")).toBe('"2/1m";r=0;t=30');
    expect(await response.json()).toMatchObject({
      title: "Too many requests",
      status: 429,
      detail: "Try again in 30 s.",
    });
    clock.advance(30_000);
    expect((await get("/api/echo")).status).toBe(200);
  });

  it("is counted and told to nobody in a dry run", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "2/minute", RATE_LIMIT_DRY_RUN: "true" } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => get("/api/echo")));
    expect(answers.map(({ status, headers }) => [status, headers.has("ratelimit")])).toEqual(
      Array(5).fill([200, false]),
    );
    const metrics = await (await get("/api/metrics", { accept: "text/plain" })).text();
    expect(metrics).toContain('decisions_total{limiter="echo",outcome="refused",dry_run="true"} 3');
  });

  it("leaves health and metrics alone", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "1/minute" } });
    expect((await get("/api/echo")).status).toBe(200);
    expect(await statuses([get("/api/echo"), get("/api/health"), get("/api/metrics")])).toEqual([429, 200, 200]);
  });

  it("counts by the socket's address, whatever X-Forwarded-For says", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "1/minute" } });
    const from = (address: string): Promise<Response> => get("/api/echo", { "x-forwarded-for": address });
    expect((await from("198.51.100.1")).status).toBe(200);
    expect((await from("198.51.100.2")).status).toBe(429);
  });

  it("counts by the address that a trusted proxy names", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "1/minute", TRUSTED_PROXIES: "10.0.0.0/8, loopback" } });
    const from = (address: string): Promise<Response> => get("/api/echo", { "x-forwarded-for": address });
    expect((await from("198.51.100.1")).status).toBe(200);
    expect((await from("198.51.100.2")).status).toBe(200);
    expect((await from("203.0.113.9, 198.51.100.2")).status).toBe(429);
  });
});
