import { systemClock } from "@holdfast/core";
import { describe, expect, it, vi } from "vitest";
import { HttpRetryError } from "../src/errors.ts";
import type { RetryEvent } from "../src/events.ts";
import type { CallPolicyOptions, PolicyOptions } from "../src/policy/options.ts";
import { compilePolicy, overridePolicy } from "../src/policy/policy.ts";

const complaint = (options: PolicyOptions): string => {
  try {
    compilePolicy(options);
  } catch (error) {
    expect(error).toBeInstanceOf(HttpRetryError);
    expect(error).toMatchObject({ code: "INVALID_OPTION" });
    return (error as Error).message;
  }
  return "";
};

describe("a policy", () => {
  it("has the documented defaults", () => {
    const { backoff, statuses, random, ...others } = compilePolicy();
    expect(others).toEqual({
      retries: 6,
      retryUnsafe: false,
      idempotencyKey: false,
      attemptTimeoutMs: 30_000,
      bodyGapTimeoutMs: 30_000,
      bodyTimeoutMs: 0,
      deadlineMs: 300_000,
      replayLimit: 1_048_576,
      budget: { ratio: 0.2, reserve: 10 },
      breaker: undefined,
      concurrency: undefined,
      hedge: undefined,
      pace: false,
      on: {},
      clock: systemClock,
    });
    expect(random).toBe(Math.random);
    expect([...statuses]).toEqual([408, 425, 429, 500, 502, 503, 504]);
    expect(backoff.maxDelayMs).toBe(60_000);
    expect([1, 2, 3].map((retry) => backoff.delayMs(retry, 0, () => 0.5))).toEqual([250, 500, 1000]);
  });

  it("takes times as people write them", () => {
    expect(
      compilePolicy({
        attemptTimeout: "2s",
        bodyGapTimeout: 250,
        bodyTimeout: "10m",
        deadline: "1h",
        maxDelay: "5s",
        replayLimit: "8MiB",
      }),
    ).toMatchObject({
      attemptTimeoutMs: 2000,
      bodyGapTimeoutMs: 250,
      bodyTimeoutMs: 600_000,
      deadlineMs: 3_600_000,
      replayLimit: 8_388_608,
      backoff: { maxDelayMs: 5000 },
    });
  });

  it("has a breaker and hedging with their defaults where they are true, and any of their options by itself", () => {
    expect(compilePolicy({ breaker: true, hedge: true })).toMatchObject({
      breaker: { failureRatio: 0.5, windowMs: 30_000, minimum: 20, openMs: 10_000, probes: 3 },
      hedge: { afterMs: undefined },
    });
    expect(compilePolicy({ breaker: { open: "1m" }, hedge: { after: "50ms" } })).toMatchObject({
      breaker: { failureRatio: 0.5, openMs: 60_000 },
      hedge: { afterMs: 50 },
    });
  });

  it("has no budget where it is false, and a queue of 1000 before a limit", () => {
    expect(compilePolicy({ budget: false, concurrency: { limit: 5 } })).toMatchObject({
      budget: undefined,
      concurrency: { limit: 5, queue: 1000 },
    });
    expect(compilePolicy({ budget: { ratio: 0.1 } }).budget).toEqual({ ratio: 0.1, reserve: 10 });
  });

  it("tells retries to onRetry as well as to on.retry", () => {
    const [onRetry, retry, giveUp] = [vi.fn(), vi.fn(), vi.fn()];
    const event = {} as RetryEvent;
    compilePolicy({ onRetry, on: { retry, giveUp } }).on.retry?.(event);
    expect(onRetry).toHaveBeenCalledExactlyOnceWith(event);
    expect(retry).toHaveBeenCalledExactlyOnceWith(event);
    expect(compilePolicy({ onRetry, on: { giveUp } }).on).toEqual({ giveUp, retry: onRetry });
  });

  it.each<[PolicyOptions, RegExp]>([
    [{ retries: -1 }, /^retries is -1; give a whole number of 0 to 100$/],
    [{ retries: 101 }, /^retries is 101/],
    [{ retries: 1.5 }, /^retries is 1.5/],
    [{ retries: Number.POSITIVE_INFINITY }, /^retries is Infinity/],
    [{ retries: "3" as never }, /^retries is "3"/],
    [{ factor: 0.5 }, /^factor is 0.5; give a number of 1 to 100$/],
    [{ factor: Number.NaN }, /^factor is NaN/],
    [
      { baseDelay: "1 fortnight" },
      /^baseDelay is "1 fortnight"; give a duration, such as "30s", or whole milliseconds$/,
    ],
    [{ maxDelay: -1 }, /^maxDelay is -1/],
    [{ jitter: "some" as never }, /^jitter is "some"; give one of full, equal, decorrelated, none$/],
    [{ statuses: [503, 200] }, /^statuses is 200; give a whole number of 400 to 599$/],
    [{ attemptTimeout: Number.NaN }, /^attemptTimeout is NaN/],
    [{ bodyGapTimeout: "x" }, /^bodyGapTimeout is "x"/],
    [{ bodyTimeout: {} as never }, /^bodyTimeout is object/],
    [{ deadline: "60" }, /^deadline is "60"/],
    [{ replayLimit: "1 potato" }, /^replayLimit is "1 potato"; give a size, such as "8MiB", or whole bytes$/],
    [{ budget: { ratio: 1.1 } }, /^budget.ratio is 1.1; give a number of 0 to 1$/],
    [{ budget: { reserve: -1 } }, /^budget.reserve is -1/],
    [{ breaker: { failureRatio: 0 } }, /^breaker.failureRatio is 0; give a number above 0 and up to 1$/],
    [{ breaker: { window: 99 } }, /^breaker.window is 99; give a duration of 100 ms or more/],
    [{ breaker: { minimum: 0 } }, /^breaker.minimum is 0/],
    [{ breaker: { open: 0 } }, /^breaker.open is 0; give a duration of 1 ms or more/],
    [{ breaker: { probes: 0 } }, /^breaker.probes is 0/],
    [{ concurrency: { limit: 0 } }, /^concurrency.limit is 0/],
    [{ concurrency: { limit: 1, queue: -1 } }, /^concurrency.queue is -1/],
    [{ hedge: { after: "soon" } }, /^hedge.after is "soon"/],
  ])("is not made of %j, and the message names option, value and remedy", (options, message) => {
    expect(complaint(options)).toMatch(message);
  });

  it("tells no more than the first 64 characters of a value", () => {
    expect(complaint({ deadline: "x".repeat(1000) }).length).toBeLessThan(160);
  });
});

describe("a policy under a call's own options", () => {
  const policy = compilePolicy({ retries: 3, hedge: true });

  it("is the same object where the call says nothing", () => {
    expect(overridePolicy(policy, {})).toBe(policy);
    expect(overridePolicy(policy, { retries: undefined, headers: {} } as CallPolicyOptions)).toBe(policy);
  });

  it("changes in what the call says, and in nothing else", () => {
    const overrides: CallPolicyOptions = {
      retries: 0,
      retryUnsafe: true,
      idempotencyKey: true,
      attemptTimeout: "1s",
      bodyGapTimeout: "2s",
      bodyTimeout: "3s",
      deadline: "4s",
      hedge: { after: 20 },
    };
    expect(overridePolicy(policy, overrides)).toEqual({
      ...policy,
      retries: 0,
      retryUnsafe: true,
      idempotencyKey: true,
      attemptTimeoutMs: 1000,
      bodyGapTimeoutMs: 2000,
      bodyTimeoutMs: 3000,
      deadlineMs: 4000,
      hedge: { afterMs: 20 },
    });
    expect(overridePolicy(policy, { hedge: false }).hedge).toBeUndefined();
    expect(overridePolicy(policy, { deadline: "4s" })).toEqual({ ...policy, deadlineMs: 4000 });
  });

  it("is made once for calls that say the same, each in an object of its own", () => {
    const first = overridePolicy(policy, { deadline: "4s", retries: 2 });
    expect(overridePolicy(policy, { deadline: "4s", retries: 2 })).toBe(first);
    expect(overridePolicy(policy, { deadline: "5s", retries: 2 })).not.toBe(first);
  });

  it("does not follow an object that is changed later", () => {
    const overrides = { retries: 2 };
    overridePolicy(policy, overrides);
    overrides.retries = 5;
    expect(overridePolicy(policy, overrides).retries).toBe(5);
  });

  it("is checked as the policy is", () => {
    expect(() => overridePolicy(policy, { retries: -1 })).toThrow(/^retries is -1/);
    expect(() => overridePolicy(policy, { deadline: "soon" })).toThrow(/^deadline is "soon"/);
  });
});
