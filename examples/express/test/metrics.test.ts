import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { createRegistry } from "../src/metrics.ts";
import { serve } from "./site.ts";

// As Prometheus 3 sends it.
const PROMETHEUS =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

describe("GET /api/metrics", () => {
  it.each([undefined, "*/*", "application/json", "application/json, text/plain, */*", "image/png"])(
    "answers in JSON to Accept: %s",
    async (accept) => {
      const { get } = await serve();
      await get("/api/echo");
      const response = await get("/api/metrics", accept === undefined ? {} : { accept });
      expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(response.headers.get("vary")).toBe("Accept");
      const { metrics } = (await response.json()) as { metrics: readonly { name: string }[] };
      expect(metrics.find(({ name }) => name === "http_requests_total")).toEqual({
        name: "http_requests_total",
        help: "Requests that are over, by method, route and status.",
        type: "counter",
        values: [{ value: 1, labels: { method: "GET", route: "/api/echo", status: "200" } }],
      });
    },
  );

  it.each(["text/plain", "text/plain;version=0.0.4", "application/openmetrics-text", PROMETHEUS])(
    "answers in Prometheus's text format to Accept: %s",
    async (accept) => {
      const { get } = await serve();
      const response = await get("/api/metrics", { accept });
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(await response.text()).toMatch(/^# TYPE http_requests_total counter$/m);
    },
  );

  it("counts requests and durations by route and status, and the limiter's decisions", async () => {
    const { get } = await serve({ env: { RATE_LIMIT: "2/minute" }, clock: createManualClock() });
    for (let sent = 0; sent < 5; sent++) await get(`/api/echo?n=${sent}`);
    await get("/wp-login.php");
    await get("/.env");
    const lines = (await (await get("/api/metrics", { accept: "text/plain" })).text()).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        'http_requests_total{method="GET",route="/api/echo",status="200"} 2',
        'http_requests_total{method="GET",route="/api/echo",status="429"} 3',
        'http_requests_total{method="GET",route="unmatched",status="404"} 2',
        'http_request_duration_seconds_bucket{le="0.005",method="GET",route="/api/echo",status="200"} 2',
        'http_request_duration_seconds_count{method="GET",route="/api/echo",status="429"} 3',
        'holdfast_rate_limiter_decisions_total{limiter="echo",outcome="allowed",dry_run="false"} 2',
        'holdfast_rate_limiter_decisions_total{limiter="echo",outcome="refused",dry_run="false"} 3',
      ]),
    );
  });

  it("has the process's own figures", async () => {
    const { get } = await serve({ registry: createRegistry() });
    const text = await (await get("/api/metrics", { accept: "text/plain" })).text();
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });
});
