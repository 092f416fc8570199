import { getEventListeners } from "node:events";
import { type Clock, createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { HttpRetryError } from "../src/errors.ts";
import { type RetryAttempt, type RetryNotice, type RetryOptions, retry } from "../src/retry.ts";

const refused = Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" });

/** Fails so many times, then resolves to "done". */
const failing = (times: number, error: unknown = refused) => {
  let left = times;
  return vi.fn(async (_context: RetryAttempt) => {
    if (left-- > 0) throw error;
    return "done";
  });
};

const setUp = (options: RetryOptions = {}) => {
  const clock = createManualClock();
  const notices: RetryNotice[] = [];
  return {
    clock,
    notices,
    options: { clock, random: () => 0.5, onRetry: (notice: RetryNotice) => notices.push(notice), ...options },
  };
};

/** Moves time in small steps until the promise settles, and tells how much of it went by. */
const settled = async (clock: ManualClock, promise: Promise<unknown>) => {
  let isSettled = false;
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  void outcome.then(() => {
    isSettled = true;
  });
  while (!isSettled && clock.monotonic() < 1_000_000) await clock.advanceAsync(1);
  return await outcome;
};

describe("retry", () => {
  it("resolves to what the first attempt that succeeds gives", async () => {
    const { clock, options } = setUp();
    const attempt = failing(2);
    expect(await settled(clock, retry(attempt, options))).toEqual({ value: "done" });
    expect(attempt.mock.calls.map(([context]) => context.attempt)).toEqual([1, 2, 3]);
    expectTypeOf(retry(attempt, options)).resolves.toBeString();
  });

  it("takes an attempt that returns its value or throws without a promise", async () => {
    const { clock, options } = setUp();
    let calls = 0;
    const attempt = () => {
      if (calls++ === 0) throw refused;
      return 7;
    };
    expect(await settled(clock, retry(attempt, options))).toEqual({ value: 7 });
  });

  it("waits by the same backoff and jitter as requests do, and tells of each wait before it", async () => {
    const { clock, notices, options } = setUp();
    const promise = retry(failing(3), options);
    await clock.advanceAsync(0);
    expect(notices).toEqual([{ attempt: 1, delay: 250, reason: "ECONNREFUSED", error: refused }]);
    await settled(clock, promise);
    expect(notices.map(({ attempt, delay }) => [attempt, delay])).toEqual([
      [1, 250],
      [2, 500],
      [3, 1000],
    ]);
    expect(clock.monotonic()).toBe(1750);
  });

  it("takes base, factor, longest delay and jitter", async () => {
    const { clock, notices, options } = setUp({ baseDelay: "1s", factor: 3, maxDelay: "5s", jitter: "none" });
    await settled(clock, retry(failing(3), options));
    expect(notices.map(({ delay }) => delay)).toEqual([1000, 3000, 5000]);
  });

  it("grows a decorrelated delay out of the one before", async () => {
    const { clock, notices, options } = setUp({ jitter: "decorrelated" });
    await settled(clock, retry(failing(2), options));
    expect(notices.map(({ delay }) => delay)).toEqual([1000, 1750]);
  });

  it("rejects with the last error itself after as many retries as it may make", async () => {
    const { clock, options } = setUp({ retries: 2 });
    const attempt = failing(9);
    expect(await settled(clock, retry(attempt, options))).toEqual({ error: refused });
    expect(attempt).toHaveBeenCalledTimes(3);
  });

  it("makes six retries unless told otherwise", async () => {
    const { clock, options } = setUp();
    const attempt = failing(99);
    await settled(clock, retry(attempt, options));
    expect(attempt).toHaveBeenCalledTimes(7);
  });

  it("rejects with the error that shouldRetry does not want to try again", async () => {
    const { clock, notices, options } = setUp();
    const shouldRetry = vi.fn(async (_error: Error, attempt: number) => attempt < 2);
    const attempt = failing(9);
    expect(await settled(clock, retry(attempt, { ...options, shouldRetry }))).toEqual({ error: refused });
    expect(shouldRetry.mock.calls).toEqual([
      [refused, 1],
      [refused, 2],
    ]);
    expect(attempt).toHaveBeenCalledTimes(2);
    expect(notices).toHaveLength(1);
  });

  it("does not try a mistake in the code again", async () => {
    const { clock, options } = setUp();
    const mistake = new TypeError("undefined is not a function");
    const attempt = failing(9, mistake);
    expect(await settled(clock, retry(attempt, options))).toEqual({ error: mistake });
    expect(attempt).toHaveBeenCalledOnce();
  });

  it("names the error in its notice where it has no code", async () => {
    const { clock, notices, options } = setUp();
    await settled(clock, retry(failing(1, new RangeError("off")), options));
    expect(notices[0]?.reason).toBe("RangeError");
  });

  it.each<[RetryOptions, RegExp]>([
    [{ retries: -1 }, /^retries is -1/],
    [{ deadline: "soon" }, /^deadline is "soon"/],
    [{ baseDelay: -5 }, /^baseDelay is -5/],
  ])("refuses %j before the first attempt", async (options, message) => {
    const attempt = failing(0);
    await expect(retry(attempt, options)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(message),
    });
    expect(attempt).not.toHaveBeenCalled();
  });
});

describe("retry under a deadline", () => {
  it("rejects with the last error instead of waiting up to it", async () => {
    const { clock, options } = setUp({ deadline: "1s" });
    const attempt = failing(9);
    expect(await settled(clock, retry(attempt, options))).toEqual({ error: refused });
    // After 250 and 500 ms the third delay would be 1000.
    expect(attempt).toHaveBeenCalledTimes(3);
    expect(clock.monotonic()).toBeLessThan(1000);
  });

  it("ends an attempt that is under way, and rejects though the attempt takes no notice", async () => {
    const { clock, options } = setUp({ deadline: "1s" });
    let signal: AbortSignal | undefined;
    const outcome = await settled(
      clock,
      retry((context) => {
        if (context.attempt === 1) throw refused;
        signal = context.signal;
        return new Promise(() => undefined);
      }, options),
    );
    expect(outcome).toEqual({ error: expect.any(HttpRetryError) });
    expect(outcome).toMatchObject({ error: { code: "DEADLINE", cause: refused } });
    expect(signal?.aborted).toBe(true);
    expect(clock.monotonic()).toBe(1000);
  });

  it("leaves no timer when it ends before", async () => {
    const { clock, options } = setUp({ deadline: "1s" });
    await settled(clock, retry(failing(1), options));
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("retry under a signal", () => {
  const reason = new Error("shutting down");

  it("makes no attempt where it is aborted already", async () => {
    const attempt = failing(0);
    await expect(retry(attempt, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(attempt).not.toHaveBeenCalled();
  });

  it("ends a wait within the tick of its abort, with its reason, leaving neither timer nor listener", async () => {
    const { clock, options } = setUp();
    const controller = new AbortController();
    const attempt = failing(9);
    const order: unknown[] = [];
    const promise = retry(attempt, { ...options, signal: controller.signal }).catch((error: unknown) => {
      order.push(error);
    });
    await clock.advanceAsync(0);
    expect([clock.pendingTimers, getEventListeners(controller.signal, "abort").length]).toEqual([1, 1]);
    setImmediate(() => order.push("next turn"));
    controller.abort(reason);
    await promise;
    expect(order).toEqual([reason]);
    expect([clock.pendingTimers, getEventListeners(controller.signal, "abort").length]).toEqual([0, 0]);
    await clock.advanceAsync(100_000);
    expect(attempt).toHaveBeenCalledOnce();
  });

  it("ends while an attempt is under way, which is told by its own signal", async () => {
    const controller = new AbortController();
    let told: unknown;
    const promise = retry(
      ({ signal }) => {
        signal.addEventListener("abort", () => {
          told = signal.reason;
        });
        return new Promise(() => undefined);
      },
      { signal: controller.signal },
    );
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
    expect(told).toBe(reason);
  });

  it("keeps its reason where the attempt fails because of it", async () => {
    const controller = new AbortController();
    const promise = retry(
      ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("socket closed")))),
      { signal: controller.signal },
    );
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
  });

  it("leaves no listener after 10,000 calls", async () => {
    const { signal } = new AbortController();
    for (let call = 0; call < 10_000; call++) await retry(() => call, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("retry", () => {
  it("keeps no process alive by its timers", async () => {
    const schedule = vi.fn<Clock["schedule"]>((callback, delayMs) => {
      if (delayMs < 60_000) setImmediate(callback);
      return () => undefined;
    });
    const clock = { ...createManualClock(), schedule };
    await retry(failing(2), { clock, deadline: "1h" });
    expect(schedule).toHaveBeenCalledTimes(3);
    for (const [, , options] of schedule.mock.calls) expect(options).toEqual({ keepAlive: false });
  });
});
