import { promClientMeter } from "@holdfast/core/metrics";
import * as promClient from "prom-client";
import { describe, expect, it } from "vitest";
import { createRateLimiter } from "../src/index.ts";
import { measureRateLimiters } from "../src/metrics.ts";
import { failingStore } from "./failing-store.ts";

describe("metrics", () => {
  it("count decisions, durations and store failures by the limiter's name, never by key", async () => {
    const registry = new promClient.Registry();
    const stop = measureRateLimiters(promClientMeter(promClient, registry));
    const store = failingStore();
    await using limiter = createRateLimiter({ name: "api", rules: "1/hour", store });
    await limiter.consume("personal-key");
    await limiter.consume("personal-key");
    await limiter.block("another", "1h");
    await limiter.consume("another");
    store.state = "failing";
    await limiter.consume("personal-key");
    stop();
    await limiter.consume("personal-key");
    const text = await registry.metrics();
    expect(text).toContain('decisions_total{limiter="api",outcome="allowed",dry_run="false"} 1');
    expect(text).toContain('decisions_total{limiter="api",outcome="refused",dry_run="false"} 1');
    expect(text).toContain('decisions_total{limiter="api",outcome="blocked",dry_run="false"} 1');
    expect(text).toContain('decisions_total{limiter="api",outcome="degraded",dry_run="false"} 1');
    expect(text).toContain('decision_duration_seconds_count{limiter="api"} 4');
    expect(text).toContain('store_failures_total{limiter="api",reason="error"} 1');
    expect(text).toContain('store_up{limiter="api"} 0');
    expect(text).not.toContain("personal-key");
  });
});
