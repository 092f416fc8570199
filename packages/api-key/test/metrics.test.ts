import { promClientMeter } from "@holdfast/core/metrics";
import * as promClient from "prom-client";
import { describe, expect, it } from "vitest";
import { keyMetrics, measureApiKeys } from "../src/metrics.ts";
import { setUp } from "./support.ts";

describe("the metrics of keys", () => {
  it("count checks by outcome and changes by kind, and never name a key or an owner", async () => {
    const registry = new promClient.Registry();
    const { keys, create } = setUp({ on: keyMetrics(promClientMeter(promClient, registry)) });
    const { plain, key } = await create();
    await keys.verify(plain, { scope: "datasets:read" });
    await keys.verify(plain, { scope: "datasets:write" });
    await keys.verify("nonsense");
    await keys.revoke(key.id);
    const text = await registry.metrics();
    expect(text).toContain('holdfast_api_key_checks_total{outcome="accepted"} 1');
    expect(text).toContain('holdfast_api_key_checks_total{outcome="missing-scope"} 1');
    expect(text).toContain('holdfast_api_key_checks_total{outcome="malformed"} 1');
    expect(text).toContain('holdfast_api_key_changes_total{change="created"} 1');
    expect(text).toContain('holdfast_api_key_changes_total{change="revoked"} 1');
    expect(text).not.toContain(key.id);
    expect(text).not.toContain("team-7");
  });

  it("count for all keys of the process until they are stopped", async () => {
    const registry = new promClient.Registry();
    const stop = measureApiKeys(promClientMeter(promClient, registry));
    const { keys } = setUp({ on: {} });
    await keys.verify("nonsense");
    stop();
    await keys.verify("nonsense");
    expect(await registry.metrics()).toContain('holdfast_api_key_checks_total{outcome="malformed"} 1');
  });
});
