import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { sendHalf } from "../src/demo/half-sent.ts";
import { type LogEntry, serve } from "./site.ts";

const requests = (log: readonly LogEntry[]): LogEntry[] => log.filter(({ msg }) => msg === "request");

describe("the access log", () => {
  it("has a line for each request, with its route, its status and how long it took", async () => {
    const { get, post, log } = await serve({ clock: createManualClock() });
    await get("/api/echo?n=1");
    await post("/api/echo", "{");
    await get("/no/such/path");
    await expect.poll(() => requests(log)).toHaveLength(3);
    expect(requests(log)).toMatchObject([
      { level: "info", method: "GET", path: "/api/echo", route: "/api/echo", status: 200, durationMs: 0 },
      { level: "info", method: "POST", path: "/api/echo", route: "/api/echo", status: 400, durationMs: 0 },
      { level: "info", method: "GET", path: "/no/such/path", route: "unmatched", status: 404, durationMs: 0 },
    ]);
  });

  it("holds neither query nor address, but tells clients apart", async () => {
    const { get, log } = await serve({ env: { TRUSTED_PROXIES: "loopback" } });
    for (const address of ["198.51.100.1", "198.51.100.2", "198.51.100.1"]) {
      await get("/api/echo?token=s3cr3t", { "x-forwarded-for": address });
    }
    await expect.poll(() => requests(log)).toHaveLength(3);
    const [first, second, third] = requests(log).map(({ client }) => client);
    expect(first).toMatch(/^[\w-]{12}$/);
    expect(third).toBe(first);
    expect(second).not.toBe(first);
    expect(JSON.stringify(log)).not.toMatch(/s3cr3t|198\.51|127\.0/);
  });

  it("has what is probed at debug, unless it goes wrong", async () => {
    let check = (): void => {};
    const { get, log } = await serve({ checks: { check: () => check() } });
    await get("/api/health");
    await get("/api/metrics");
    check = () => {
      throw new Error("down");
    };
    await get("/api/health");
    await expect.poll(() => requests(log)).toHaveLength(3);
    expect(requests(log).map(({ level }) => level)).toEqual(["debug", "debug", "warn"]);
  });

  it("has a request whose client has gone", async () => {
    const { url, server, log, get } = await serve();
    const half = await sendHalf(`${url}/api/echo`, '{"never":"whole"}');
    server.closeAllConnections();
    await expect(half.finish()).rejects.toThrow();
    await expect.poll(() => requests(log)).toHaveLength(1);
    expect(requests(log)).toMatchObject([{ route: "/api/echo", status: "aborted" }]);
    const metrics = await (await get("/api/metrics", { accept: "text/plain" })).text();
    expect(metrics).toContain('http_requests_total{method="POST",route="/api/echo",status="aborted"} 1');
  });
});
