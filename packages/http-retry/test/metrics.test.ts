import { createManualClock } from "@holdfast/core";
import { promClientMeter } from "@holdfast/core/metrics";
import * as promClient from "prom-client";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "../src/index.ts";
import { httpMetrics, measureHttp } from "../src/metrics.ts";
import { startScriptedServer } from "../src/testing.ts";

describe("metrics", () => {
  it("count attempts, retries, calls given up and refusals of the budget by server, never by path", async () => {
    const registry = new promClient.Registry();
    const stop = measureHttp(promClientMeter(promClient, registry));
    await using server = await startScriptedServer([{ status: 503 }, { status: 200 }, { status: 503 }]);
    const options = { baseUrl: server.origin, random: () => 0, budget: { ratio: 0, reserve: 1 } };
    await using client = createHttpClient(options);
    await client.get("/personal?token=secret");
    await client.get("/personal").then(null, () => {});
    stop();
    await client.get("/personal").then(null, () => {});

    const text = await registry.metrics();
    const name = `server="127.0.0.1:${server.port}"`;
    const prefix = "holdfast_http_retry_";
    expect(text).toContain(`${prefix}attempts_total{${name},method="GET",outcome="503"} 2`);
    expect(text).toContain(`${prefix}attempts_total{${name},method="GET",outcome="200"} 1`);
    expect(text).toContain(`${prefix}attempt_duration_seconds_count{${name},method="GET"} 3`);
    expect(text).toContain(`${prefix}retries_total{${name},reason="503",delay_from="backoff"} 1`);
    expect(text).toContain(`${prefix}give_ups_total{${name},why="budget"} 1`);
    expect(text).toContain(`${prefix}budget_refusals_total{${name}} 1`);
    expect(text).not.toMatch(/personal|secret/);
  });

  it("show whether the circuit of a server is open", async () => {
    const registry = new promClient.Registry();
    const clock = createManualClock();
    await using server = await startScriptedServer([{ status: 503 }, {}]);
    await using client = createHttpClient({
      baseUrl: server.origin,
      clock,
      retries: 0,
      breaker: { minimum: 1, open: "10s", probes: 2 },
      on: httpMetrics(promClientMeter(promClient, registry)),
    });
    const shown = async (): Promise<string | undefined> =>
      /circuit_open\{[^}]*\} (\S+)/.exec(await registry.metrics())?.[1];
    await client.get("/").then(null, () => {});
    expect(await shown()).toBe("1");
    clock.advance(10_000);
    await client.get("/");
    expect(await shown()).toBe("0.5");
    await client.get("/");
    expect(await shown()).toBe("0");
  });
});
