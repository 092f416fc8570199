import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createManualClock } from "@holdfast/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { CHANNELS, createRateLimiter, type DecisionEvent, memoryStore, type RateLimiterOptions } from "../src/index.ts";
import { failingStore } from "./failing-store.ts";

const collect = (options: Partial<RateLimiterOptions>) => {
  const events: DecisionEvent[] = [];
  const clock = createManualClock();
  const store = memoryStore({ clock });
  const limiter = createRateLimiter({
    name: "api",
    rules: "1/hour",
    store,
    clock,
    on: { decision: (e) => events.push(e) },
    ...options,
  });
  return { events, limiter, clock };
};

describe("events", () => {
  it("tell each decision by the limiter's name, and not the key", async () => {
    const { events, limiter } = collect({});
    await limiter.consume("secret-key");
    await limiter.consume("secret-key", { cost: 1 });
    await limiter.consumeMany([{ key: "other", cost: 5 }]);
    expect(events).toEqual([
      { limiter: "api", outcome: "allowed", allowed: true, dryRun: false, cost: 1, durationMs: 0 },
      { limiter: "api", outcome: "refused", allowed: false, dryRun: false, cost: 1, durationMs: 0 },
      { limiter: "api", outcome: "over-capacity", allowed: false, dryRun: false, cost: 5, durationMs: 0 },
    ]);
    expect(JSON.stringify(events)).not.toContain("secret-key");
  });

  it("name the key when asked to", async () => {
    const { events, limiter } = collect({ keysInEvents: true });
    await limiter.consume("k");
    expect(events[0]).toMatchObject({ key: "k" });
  });

  it("go to diagnostics channels as well", async () => {
    const heard: unknown[] = [];
    const listen = (event: unknown) => heard.push(event);
    for (const name of Object.values(CHANNELS)) subscribe(name, listen);
    const store = failingStore();
    store.state = "failing";
    await using limiter = createRateLimiter({ name: "down", rules: "1/hour", store });
    await limiter.consume("k");
    for (const name of Object.values(CHANNELS)) unsubscribe(name, listen);
    expect(heard).toMatchObject([
      { limiter: "down", state: "down", reason: "error", error: expect.any(Error) },
      { limiter: "down", outcome: "degraded", allowed: true },
    ]);
  });

  it("change nothing where a hook throws: calls are decided, the store is asked again, and the throw is an uncaught exception", async () => {
    const uncaught: unknown[] = [];
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => uncaught.push(error));
    onTestFinished(() => {
      process.removeAllListeners("uncaughtException");
      for (const other of others) process.on("uncaughtException", other);
    });
    const mistake = new Error("in a hook");
    const fail = (): never => {
      throw mistake;
    };
    const clock = createManualClock();
    const store = failingStore();
    await using limiter = createRateLimiter({ rules: "9/hour", store, clock, on: { decision: fail, store: fail } });
    store.state = "failing";
    expect((await limiter.consume("k")).outcome).toBe("degraded");
    store.state = "up";
    await clock.advanceAsync(1000);
    expect((await limiter.consume("k")).outcome).toBe("allowed");
    // Of each event: down, degraded, up, allowed.
    expect(uncaught).toEqual([mistake, mistake, mistake, mistake]);
  });

  describe("in a dry run", () => {
    it("nobody is refused, and the event tells what would have been", async () => {
      const { events, limiter } = collect({ dryRun: true });
      expect(await limiter.consume("k")).toMatchObject({ allowed: true, outcome: "allowed", wouldBe: undefined });
      expect(await limiter.consume("k")).toMatchObject({
        allowed: true,
        outcome: "allowed",
        wouldBe: "refused",
        retryAfterMs: 0,
      });
      expect(events.map(({ outcome, allowed, dryRun }) => [outcome, allowed, dryRun])).toEqual([
        ["allowed", true, true],
        ["refused", true, true],
      ]);
    });
  });
});
