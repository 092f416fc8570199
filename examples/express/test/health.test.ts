import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { serve } from "./site.ts";

describe("GET /api/health", () => {
  it("answers 200 with each check's state, the build and the uptime", async () => {
    const clock = createManualClock();
    const { get } = await serve({ env: { COMMIT: "0a1b2c3" }, checks: { database: () => {} }, clock });
    clock.advance(90_500);
    const response = await get("/api/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: "ok",
      checks: { rateLimiter: { status: "ok", durationMs: 0 }, database: { status: "ok", durationMs: 0 } },
      build: { version: "0.0.0", commit: "0a1b2c3", node: process.version },
      uptimeSeconds: 90,
    });
  });

  it("answers 503 where a check fails, and keeps the reason for the log", async () => {
    const { get, log } = await serve({
      checks: { database: () => Promise.reject(new Error("postgres://app:s3cr3t@db refused")) },
    });
    const response = await get("/api/health");
    expect(response.status).toBe(503);
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({
      status: "failing",
      checks: { rateLimiter: { status: "ok" }, database: { status: "failed" } },
    });
    expect(body).not.toContain("s3cr3t");
    const entry = log.find(({ msg }) => msg === "health check failed");
    expect(entry).toMatchObject({ level: "warn", check: "database", err: { message: /refused/ } });
  });

  it("answers 200 where the service goes on without something, and says without what", async () => {
    const { get } = await serve({ checks: { search: () => "degraded" } });
    const response = await get("/api/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", checks: { search: { status: "degraded" } } });
  });

  it("answers 503 where checks hang, after the time of one, and aborts them", async () => {
    const clock = createManualClock();
    const aborted: string[] = [];
    const hang = (name: string) => (signal: AbortSignal) => {
      signal.addEventListener("abort", () => aborted.push(name));
      return new Promise(() => {});
    };
    const { get } = await serve({ checks: { database: hang("database"), queue: hang("queue") }, clock });
    const answer = get("/api/health");
    await expect.poll(() => clock.pendingTimers).toBe(2);
    await clock.advanceAsync(2000);
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: {
        database: { status: "timed out", durationMs: 2000 },
        queue: { status: "timed out", durationMs: 2000 },
      },
    });
    expect(aborted).toEqual(["database", "queue"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("runs a check once for all who ask while it runs", async () => {
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      runs += 1;
      return promise;
    };
    const { get, server } = await serve({ checks: { check } });
    let asked = 0;
    server.on("request", () => {
      asked += 1;
      if (asked === 3) resolve();
    });
    const answers = await Promise.all([get("/api/health"), get("/api/health"), get("/api/health")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(runs).toBe(1);
    await get("/api/health");
    expect(runs).toBe(2);
  });

  it("answers 503 from the first moment of a shutdown, however well the checks do", async () => {
    const { get } = await serve({ isStopping: () => true });
    const response = await get("/api/health");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: "stopping", checks: { rateLimiter: { status: "ok" } } });
  });
});
