import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type DecideFacts, decide, type Outcome } from "../src/policy/decide.ts";
import type { HeaderFields } from "../src/policy/fields.ts";
import type { PolicyOptions } from "../src/policy/options.ts";
import { compilePolicy } from "../src/policy/policy.ts";

const NOW = Date.UTC(2026, 10, 21);

const answered = (status: number, headers: HeaderFields = {}): Outcome => ({ status, headers });
const failed = (facts: { neverSent?: boolean; isTransient?: boolean } = {}): Outcome => ({
  failure: { code: "ECONNRESET", neverSent: false, isTransient: true, ...facts },
});

const verdictOn = (
  outcome: Outcome,
  facts: Partial<Omit<DecideFacts, "outcome" | "policy">> = {},
  options: PolicyOptions = {},
) =>
  decide({
    policy: compilePolicy({ random: () => 0.5, ...options }),
    method: "GET",
    retry: 1,
    previousDelayMs: 0,
    idempotencyKeyed: false,
    bodyReplayable: true,
    outcome,
    nowMs: NOW,
    leftMs: Number.POSITIVE_INFINITY,
    budget: undefined,
    ...facts,
  });

const budgetThat = (passes: boolean) => ({ deposit: vi.fn(), withdraw: vi.fn(() => passes) });

describe("a retry", () => {
  it.each([408, 425, 429, 500, 502, 503, 504])("follows a %i after a delay of our own", (status) => {
    expect(verdictOn(answered(status))).toEqual({ retry: true, delayMs: 250, from: "backoff" });
  });

  it("follows a failure that may pass", () => {
    expect(verdictOn(failed())).toEqual({ retry: true, delayMs: 250, from: "backoff" });
  });

  it("comes later each time", () => {
    expect(verdictOn(failed(), { retry: 4 })).toMatchObject({ delayMs: 2000 });
    expect(verdictOn(failed(), { retry: 2, previousDelayMs: 1000 }, { jitter: "decorrelated" })).toMatchObject({
      delayMs: 1750,
    });
  });

  it.each([200, 204, 206, 301, 304, 307])("does not follow a %i, which is all that was asked for", (status) => {
    expect(verdictOn(answered(status, { "retry-after": "5" }))).toEqual({ retry: false, why: "done" });
  });

  it.each([400, 401, 403, 404, 409, 412, 422, 501, 505])("does not follow a %i", (status) => {
    expect(verdictOn(answered(status))).toEqual({ retry: false, why: "not-retryable" });
  });

  it("follows the statuses that the policy names, and no other", () => {
    const statuses = [409];
    expect(verdictOn(answered(409), {}, { statuses }).retry).toBe(true);
    expect(verdictOn(answered(503), {}, { statuses })).toEqual({ retry: false, why: "not-retryable" });
  });

  it("does not follow a failure that lasts", () => {
    expect(verdictOn(failed({ isTransient: false }))).toEqual({ retry: false, why: "not-retryable" });
  });

  it("is made as often as the policy says", () => {
    expect(verdictOn(failed(), { retry: 6 }).retry).toBe(true);
    expect(verdictOn(failed(), { retry: 7 })).toEqual({ retry: false, why: "attempts" });
    expect(verdictOn(failed(), {}, { retries: 0 })).toEqual({ retry: false, why: "attempts" });
  });

  it("is not made with a body that can't be sent again", () => {
    expect(verdictOn(answered(503), { method: "PUT", bodyReplayable: false })).toEqual({
      retry: false,
      why: "body-spent",
    });
  });
});

describe("a retry of a request that is not idempotent", () => {
  it.each(["POST", "PATCH"])("is not made: %s", (method) => {
    expect(verdictOn(answered(503), { method })).toEqual({ retry: false, why: "not-idempotent" });
    expect(verdictOn(failed(), { method })).toEqual({ retry: false, why: "not-idempotent" });
  });

  it("is made where the caller says that it may be", () => {
    expect(verdictOn(answered(503), { method: "POST" }, { retryUnsafe: true }).retry).toBe(true);
  });

  it("is made under an Idempotency-Key", () => {
    expect(verdictOn(answered(503), { method: "POST", idempotencyKeyed: true }).retry).toBe(true);
  });

  it("is made where the request was certainly not carried out", () => {
    expect(verdictOn(failed({ neverSent: true }), { method: "POST" }).retry).toBe(true);
  });
});

describe("a server that says when", () => {
  it("is asked again no earlier, and a little later", () => {
    const verdict = verdictOn(answered(503, { "retry-after": "30" }));
    expect(verdict).toEqual({ retry: true, delayMs: 31_500, from: "retry-after" });
  });

  it("is asked again at its very time without jitter", () => {
    expect(verdictOn(answered(503, { "retry-after": "30" }), {}, { jitter: "none" })).toMatchObject({
      delayMs: 30_000,
    });
  });

  it("is asked again after a delay of our own where it says at once", () => {
    expect(verdictOn(answered(503, { "retry-after": "0" }))).toMatchObject({ delayMs: 250, from: "backoff" });
  });

  it("is given up where it asks for more than the longest delay, with the time that it named", () => {
    expect(verdictOn(answered(503, { "retry-after": "61" }))).toEqual({
      retry: false,
      why: "wait-too-long",
      until: NOW + 61_000,
    });
    expect(verdictOn(answered(503, { "retry-after": "60" })).retry).toBe(true);
  });

  it("is given up where it asks for more than the deadline leaves", () => {
    const outcome = answered(429, { "retry-after": "10" });
    expect(verdictOn(outcome, { leftMs: 10_000 })).toEqual({
      retry: false,
      why: "wait-too-long",
      until: NOW + 10_000,
    });
    expect(verdictOn(outcome, { leftMs: 10_001 })).toMatchObject({ retry: true });
  });

  it("is given up with its time also where something else speaks against a retry", () => {
    const outcome = answered(429, { "retry-after": "10" });
    const until = NOW + 10_000;
    expect(verdictOn(outcome, { method: "POST" })).toEqual({ retry: false, why: "not-idempotent", until });
    expect(verdictOn(outcome, { retry: 7 })).toEqual({ retry: false, why: "attempts", until });
    expect(verdictOn(outcome, { budget: budgetThat(false) })).toEqual({ retry: false, why: "budget", until });
    expect(verdictOn(answered(403, { "retry-after": "10" }))).toEqual({ retry: false, why: "not-retryable", until });
  });
});

describe("a deadline", () => {
  it("is not waited for", () => {
    expect(verdictOn(failed(), { leftMs: 250 })).toEqual({ retry: false, why: "deadline" });
    expect(verdictOn(failed(), { leftMs: 251 }).retry).toBe(true);
  });

  it("lets nothing follow when it is over", () => {
    expect(verdictOn(failed(), { leftMs: 0 }, { baseDelay: 0 })).toEqual({ retry: false, why: "deadline" });
    expect(verdictOn(failed(), { leftMs: -5 }, { baseDelay: 0 })).toEqual({ retry: false, why: "deadline" });
  });
});

describe("a budget", () => {
  it("pays for each retry", () => {
    const budget = budgetThat(true);
    expect(verdictOn(failed(), { budget }).retry).toBe(true);
    expect(budget.withdraw).toHaveBeenCalledOnce();
  });

  it("lets no retry follow when it is used up", () => {
    expect(verdictOn(failed(), { budget: budgetThat(false) })).toEqual({ retry: false, why: "budget" });
  });

  it("is not asked where something else speaks against the retry", () => {
    const budget = budgetThat(true);
    verdictOn(answered(200), { budget });
    verdictOn(answered(404), { budget });
    verdictOn(failed({ isTransient: false }), { budget });
    verdictOn(failed(), { budget, method: "POST" });
    verdictOn(failed(), { budget, bodyReplayable: false });
    verdictOn(failed(), { budget, retry: 7 });
    verdictOn(failed(), { budget, leftMs: 100 });
    verdictOn(answered(503, { "retry-after": "999999" }), { budget });
    expect(budget.withdraw).not.toHaveBeenCalled();
  });
});

describe("a delay", () => {
  it("is never less than the server asked for, never beyond the longest, and never up to the deadline", () => {
    const anySeconds = fc.oneof(fc.nat(120), fc.constantFrom("9".repeat(400), "junk", "0"));
    fc.assert(
      fc.property(
        anySeconds,
        fc.integer({ min: -1000, max: 120_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.constantFrom("full" as const, "equal" as const, "decorrelated" as const, "none" as const),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 100 }),
        (seconds, leftMs, maxDelay, jitter, chance, retry) => {
          const askedMs = Number(seconds) * 1000;
          const verdict = verdictOn(
            answered(503, { "retry-after": `${seconds}` }),
            { leftMs, retry },
            { maxDelay, jitter, retries: 100, random: () => chance },
          );
          if (!verdict.retry) {
            expect(["deadline", "wait-too-long"]).toContain(verdict.why);
            if (verdict.why === "wait-too-long") expect(askedMs > maxDelay || askedMs >= leftMs).toBe(true);
            return;
          }
          expect(verdict.delayMs).toBeLessThanOrEqual(maxDelay);
          expect(verdict.delayMs).toBeLessThan(leftMs);
          if (verdict.from === "retry-after") expect(verdict.delayMs).toBeGreaterThanOrEqual(askedMs);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
