import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { type MarkStore, memoryTokenStore } from "../src/index.ts";
import { failingRevocations, silent } from "./failing-stores.ts";
import { badlySigned, NOW, ORIGIN, setUp } from "./support.ts";

describe("a one-time token", () => {
  it("is good once", async () => {
    const { tokens, issue, outcome } = setUp({ once: memoryTokenStore() });
    const [one, other] = [await issue(), await issue()];
    expect(await outcome(one)).toBe("accepted");
    expect(await outcome(one)).toBe("used");
    expect(await outcome(other)).toBe("accepted");
    expect(await tokens.verify(one, { origin: ORIGIN })).toMatchObject({ ok: false, answer: "invalid_token" });
  });

  it("is not used up by a check that refuses it", async () => {
    const { issue, outcome } = setUp({ once: memoryTokenStore() });
    const token = await issue({ tenant: "acme", scopes: ["view"] });
    expect(await outcome(token, { origin: "https://evil.example" })).toBe("wrong-origin");
    expect(await outcome(token, { ancestors: [ORIGIN, "https://evil.example"] })).toBe("wrong-origin");
    expect(await outcome(token, { dashboard: "hr" })).toBe("wrong-dashboard");
    expect(await outcome(token, { tenant: "umbrella" })).toBe("wrong-tenant");
    expect(await outcome(token, { scope: "export" })).toBe("missing-scope");
    expect(await outcome(badlySigned(token))).not.toBe("accepted");
    expect(await outcome(token, { ancestors: [ORIGIN] })).toBe("accepted");
  });

  it("stays used as long as any verifier would take it, one whose clock is behind included", async () => {
    const clock = createManualClock(NOW);
    const once = memoryTokenStore({ clock });
    const { issue, outcome } = setUp({ clock, once, tolerance: "5s" });
    const behind = createManualClock(NOW - 50_000);
    const other = setUp({ clock: behind, once, tolerance: "60s" });
    const token = await issue();
    expect(await outcome(token)).toBe("accepted");
    for (let second = 0; second < 114; second++) {
      expect(await other.outcome(token)).toBe("used");
      clock.advance(1000);
      behind.advance(1000);
    }
    // And new marks drive out none that is still needed.
    for (let count = 0; count < 10; count++) expect(await outcome(await issue())).toBe("accepted");
    expect(await other.outcome(token)).toBe("used");
  });

  it("is marked by its id, for as long as it may be shown and a minute more", async () => {
    const marks: unknown[] = [];
    const once: MarkStore = {
      async mark(name, keepMs) {
        marks.push([name, keepMs]);
        return true;
      },
      close: async () => {},
    };
    const { tokens, clock } = setUp({ once, tolerance: "5s" });
    const { token, id } = await tokens.issue({ subject: "user-7", dashboard: "sales", origins: [ORIGIN] });
    clock.advance(10_000);
    expect((await tokens.verify(token.reveal(), { origin: ORIGIN })).ok).toBe(true);
    expect(marks).toEqual([[id, 50_000 + 5000 + 60_000]]);
  });
});

describe("where the store of marks", () => {
  const storeOf = (mark: MarkStore["mark"]): MarkStore => ({ mark, close: async () => {} });

  it("fails, the token is refused, and told apart for whoever may try again", async () => {
    const failing = storeOf(async () => {
      throw new Error("connection refused");
    });
    const logged: unknown[] = [];
    const logger = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
    const { tokens, issue, told } = setUp({ once: failing, logger });
    expect(await tokens.verify(await issue(), { origin: ORIGIN })).toEqual({
      ok: false,
      reason: "unavailable",
      answer: "temporarily_unavailable",
    });
    expect(told.at(-1)).toMatchObject(["refused", { reason: "unavailable", subject: "user-7" }]);
    expect(logged).toMatchObject([[{ error: { message: "connection refused" } }, expect.any(String)]]);
  });

  it("does not answer, the token is refused when the time is up, and no timer is left", async () => {
    const asking = Promise.withResolvers<AbortSignal | undefined>();
    const hanging = storeOf((_name, _keepMs, call) => {
      asking.resolve(call?.signal);
      return new Promise(() => {});
    });
    const { issue, outcome, clock } = setUp({ once: hanging, storeDeadline: "300ms" });
    const token = await issue();
    const asked = outcome(token);
    const signal = await asking.promise;
    await clock.advanceAsync(299);
    expect(clock.pendingTimers).toBe(1);
    await clock.advanceAsync(1);
    expect(await asked).toBe("unavailable");
    expect(clock.pendingTimers).toBe(0);
    expect(signal?.aborted).toBe(true);
  });

  it("throws instead of rejecting, the token is refused", async () => {
    const throwing = storeOf(() => {
      throw new Error("not even a promise");
    });
    const { issue, outcome, clock } = setUp({ once: throwing, revocations: failingRevocations });
    expect(await outcome(await issue())).toBe("unavailable");
    expect(clock.pendingTimers).toBe(0);
  });

  it("answers anything but true, the token is refused", async () => {
    for (const answer of ["OK", 1, undefined, null, {}, "true"]) {
      const { issue, outcome } = setUp({ once: storeOf(async () => answer as never) });
      expect(await outcome(await issue())).toBe("used");
    }
  });

  it("is given up by the caller, the call rejects with the caller's reason", async () => {
    const abort = new AbortController();
    const asking = Promise.withResolvers<void>();
    const hanging = storeOf(() => {
      asking.resolve();
      return new Promise(() => {});
    });
    const { tokens, issue, clock } = setUp({ once: hanging });
    const asked = tokens.verify(await issue(), { origin: ORIGIN, signal: abort.signal });
    await asking.promise;
    abort.abort(new Error("the client went away"));
    await expect(asked).rejects.toThrow("the client went away");
    expect(clock.pendingTimers).toBe(0);
    await expect(tokens.verify(await issue(), { origin: ORIGIN, signal: abort.signal })).rejects.toThrow("went away");
  });
});
