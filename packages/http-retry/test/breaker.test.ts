import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, type BreakerSettings, type BreakerState, createBreaker } from "../src/policy/breaker.ts";

const setUp = (settings: Partial<BreakerSettings> = {}) => {
  const changes: BreakerState[] = [];
  const breaker = createBreaker({
    failureRatio: 0.5,
    windowMs: 30_000,
    minimum: 20,
    openMs: 10_000,
    probes: 3,
    ...settings,
    onChange: (state) => changes.push(state),
  });
  return { breaker, changes };
};

const opened = (settings: Partial<BreakerSettings> = {}) => {
  const made = setUp({ minimum: 1, ...settings });
  made.breaker.fail(0);
  return made;
};

const times = (count: number, call: () => void): void => {
  for (let index = 0; index < count; index++) call();
};

describe("a circuit breaker", () => {
  it("lets everything pass while it is closed", () => {
    const { breaker } = setUp();
    times(1000, () => expect(breaker.allow(0)).toBe(true));
    expect(breaker.state).toBe("closed");
  });

  it("opens when the share of failures is reached", () => {
    const { breaker, changes } = setUp();
    times(10, () => breaker.succeed(0));
    times(9, () => breaker.fail(0));
    expect(breaker.state).toBe("closed");
    breaker.fail(0);
    expect(breaker.state).toBe("open");
    expect(breaker.allow(0)).toBe(false);
    expect(changes).toEqual(["open"]);
  });

  it("gives no verdict on fewer requests than the minimum", () => {
    const { breaker } = setUp();
    times(19, () => breaker.fail(0));
    expect(breaker.state).toBe("closed");
    breaker.fail(0);
    expect(breaker.state).toBe("open");
  });

  it("forgets what is older than its window", () => {
    const { breaker } = setUp();
    times(19, () => breaker.fail(0));
    breaker.fail(30_000);
    expect(breaker.state).toBe("closed");
  });

  it("remembers what is younger than its window by more than a tenth of it", () => {
    const { breaker } = setUp();
    times(19, () => breaker.fail(2999));
    breaker.fail(29_999);
    expect(breaker.state).toBe("open");
  });

  it("lets as many probes pass as it says when its time is over, and no more before one of them ends", () => {
    const { breaker, changes } = opened();
    expect(breaker.allow(9999)).toBe(false);
    expect([1, 2, 3, 4].map(() => breaker.allow(10_000))).toEqual([true, true, true, false]);
    expect(changes).toEqual(["open", "half-open"]);
  });

  it("closes when all its probes succeed", () => {
    const { breaker, changes } = opened();
    times(3, () => breaker.allow(10_000));
    times(2, () => breaker.succeed(10_001));
    expect(breaker.state).toBe("half-open");
    expect(breaker.allow(10_001)).toBe(false);
    breaker.succeed(10_002);
    expect(breaker.state).toBe("closed");
    expect(changes).toEqual(["open", "half-open", "closed"]);
  });

  it("starts to count anew when it has closed", () => {
    const { breaker } = setUp({ minimum: 2, probes: 1 });
    times(2, () => breaker.fail(0));
    breaker.allow(10_000);
    breaker.succeed(10_000);
    breaker.fail(10_001);
    expect(breaker.state).toBe("closed");
  });

  it("opens again for as long with the first probe that fails", () => {
    const { breaker } = opened();
    times(3, () => breaker.allow(10_000));
    breaker.succeed(10_001);
    breaker.fail(10_500);
    expect(breaker.state).toBe("open");
    expect(breaker.allow(20_499)).toBe(false);
    expect(breaker.allow(20_500)).toBe(true);
  });

  it("lets another probe pass in the place of one that was called off", () => {
    const { breaker } = opened({ probes: 1 });
    expect(breaker.allow(10_000)).toBe(true);
    expect(breaker.allow(10_000)).toBe(false);
    breaker.release();
    expect(breaker.allow(10_000)).toBe(true);
    breaker.succeed(10_001);
    expect(breaker.state).toBe("closed");
  });

  it("takes no notice of what comes back while it is open", () => {
    const { breaker } = opened();
    times(100, () => breaker.succeed(1));
    times(100, () => breaker.fail(2));
    breaker.release();
    expect(breaker.state).toBe("open");
    expect(breaker.allow(10_000)).toBe(true);
  });

  it("takes no notice of what comes back half-open while nobody probes", () => {
    const { breaker } = opened({ probes: 1 });
    breaker.allow(10_000);
    breaker.release();
    breaker.succeed(10_000);
    breaker.fail(10_000);
    expect(breaker.state).toBe("half-open");
  });

  it("decides as a model does that keeps every outcome", () => {
    fc.assert(
      fc.property(anySettings, fc.array(anyStep, { maxLength: 200 }), (settings, steps) => {
        const { breaker } = setUp(settings);
        const model = createModel(settings);
        let nowMs = 0;
        for (const { afterMs, call } of steps) {
          nowMs += afterMs;
          expect(breaker[call](nowMs)).toBe(model[call](nowMs));
          expect(breaker.state).toBe(model.state);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const anySettings = fc.record({
  failureRatio: fc.constantFrom(0.1, 0.25, 0.5, 1),
  windowMs: fc.constantFrom(100, 1000),
  minimum: fc.integer({ min: 1, max: 6 }),
  openMs: fc.integer({ min: 1, max: 300 }),
  probes: fc.integer({ min: 1, max: 4 }),
});

const anyStep = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(400)),
  call: fc.constantFrom("allow" as const, "allow" as const, "succeed" as const, "fail" as const, "release" as const),
});

/** The rules in the plainest words, over a list of all outcomes. */
function createModel({ failureRatio, windowMs, minimum, openMs, probes }: BreakerSettings): Breaker {
  const tenth = (ms: number): number => Math.floor(ms / (windowMs / 10));
  let outcomes: { readonly at: number; readonly failed: boolean }[] = [];
  let openUntil: number | undefined;
  let trial: { out: number; succeeded: number } | undefined;
  const open = (nowMs: number): void => {
    outcomes = [];
    trial = undefined;
    openUntil = nowMs + openMs;
  };
  const close = (): void => {
    trial = undefined;
    openUntil = undefined;
  };
  return {
    get state() {
      if (trial) return "half-open";
      return openUntil === undefined ? "closed" : "open";
    },
    allow(nowMs) {
      if (openUntil === undefined) return true;
      if (!trial && nowMs < openUntil) return false;
      trial ??= { out: 0, succeeded: 0 };
      if (trial.out + trial.succeeded === probes) return false;
      trial.out++;
      return true;
    },
    succeed(nowMs) {
      if (openUntil === undefined) outcomes.push({ at: nowMs, failed: false });
      if (!trial || trial.out === 0) return;
      trial.out--;
      trial.succeeded++;
      if (trial.succeeded === probes) close();
    },
    fail(nowMs) {
      if (openUntil === undefined) {
        outcomes.push({ at: nowMs, failed: true });
        const recent = outcomes.filter(({ at }) => tenth(at) > tenth(nowMs) - 10);
        const failures = recent.filter(({ failed }) => failed).length;
        if (recent.length >= minimum && failures / recent.length >= failureRatio) open(nowMs);
      } else if (trial && trial.out > 0) open(nowMs);
    },
    release() {
      if (trial && trial.out > 0) trial.out--;
    },
  };
}
