import { createManualClock } from "@holdfast/core";
import { serverUrl, startRedis } from "@holdfast/testing";
import { describe, expect, it } from "vitest";
import { type Site, serve } from "./site.ts";

const statusesOf = async (sites: readonly Site[], requests: number): Promise<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (let sent = 0; sent < requests; sent++) {
    const { status } = await (sites[sent % sites.length] as Site).get("/api/echo");
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
};

const healthOf = async ({ get }: Site): Promise<unknown> => {
  const response = await get("/api/health");
  const { status, checks } = (await response.json()) as { status: string; checks: { rateLimiter: { status: string } } };
  return [response.status, status, checks.rateLimiter.status];
};

describe("instances with one RATE_LIMIT_REDIS_URL", () => {
  it("share one limit", async () => {
    const env = { RATE_LIMIT: "10/hour", RATE_LIMIT_REDIS_URL: serverUrl("redis") };
    // Where no time passes, Redis is never late: an instance that went by its share once would let one pass too many.
    const clock = createManualClock();
    const sites = [await serve({ env, clock }), await serve({ env, clock })];
    expect(await statusesOf(sites, 30)).toEqual({ 200: 10, 429: 20 });
    expect(await healthOf(sites[0] as Site)).toEqual([200, "ok", "ok"]);
  });

  it("limit by their share while Redis is away, say so, and share again when it is back", async () => {
    await using redis = await startRedis();
    const env = { RATE_LIMIT: "10/hour", RATE_LIMIT_REDIS_URL: redis.url, INSTANCES: "2" };
    const sites = [await serve({ env }), await serve({ env })];
    const [site] = sites as [Site, Site];
    expect(await statusesOf(sites, 4)).toEqual({ 200: 4 });

    await redis.kill();
    expect(await statusesOf(sites, 30)).toEqual({ 200: 10, 429: 20 });
    expect(await healthOf(site)).toEqual([200, "degraded", "degraded"]);
    const warning = expect.objectContaining({ level: "warn", msg: "Redis is away: this instance limits by its share" });
    expect(site.log).toContainEqual(warning);
    const metrics = await (await site.get("/api/metrics", { accept: "text/plain" })).text();
    expect(metrics).toContain('holdfast_rate_limiter_store_up{limiter="echo"} 0');

    await redis.restart();
    const shared = expect.objectContaining({ msg: "rate limits are shared again" });
    for (const { log } of sites) await expect.poll(() => log).toContainEqual(shared);
    // This Redis keeps nothing over a restart. Of each instance one request ran out of time, and may be counted late.
    const { 200: passed } = await statusesOf(sites, 30);
    expect(passed).toBeGreaterThanOrEqual(8);
    expect(passed).toBeLessThanOrEqual(10);
    expect(await healthOf(site)).toEqual([200, "ok", "ok"]);
  });
});
