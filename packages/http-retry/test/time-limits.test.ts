import { spawnSync } from "node:child_process";
import { type Clock, createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { createEngine } from "../src/engine/engine.ts";
import { compilePolicy } from "../src/policy/policy.ts";
import { rig, Told } from "./engine-rig.ts";

describe("an attempt's timeout", () => {
  it("ends the attempt and is tried again", () => {
    const r = rig({ attemptTimeout: "2s" });
    const told = r.call();
    r.last.connect();
    r.clock.advance(1999);
    expect(r.last.aborted).toBe(false);
    r.clock.advance(1);
    expect(r.last).toMatchObject({ aborted: true, reason: { code: "TIMEOUT" } });
    r.clock.advance(100);
    r.last.answer(200);
    expect(told.controller?.attempts).toMatchObject([
      { number: 1, error: { code: "TIMEOUT" }, durationMs: 2000, waitMs: 100 },
    ]);
    expect(told.last).toBe("end");
  });

  it("is an error of its own when it is the last one's", () => {
    const r = rig({ attemptTimeout: "2s", retries: 0 });
    const told = r.call();
    r.clock.advance(2000);
    expect(told.error).toMatchObject({
      code: "TIMEOUT",
      message: "GET http://server.test/a failed: no response headers within attemptTimeout",
    });
  });

  it("does not hold for the body", () => {
    const r = rig({ attemptTimeout: "2s" });
    const told = r.call();
    r.last.connect().head(200);
    r.clock.advance(10_000);
    r.last.end();
    expect(told.last).toBe("end");
  });

  it("starts anew with each attempt", () => {
    const r = rig({ attemptTimeout: "2s" });
    r.call();
    r.clock.advance(1500);
    r.last.answer(503);
    r.clock.advance(100);
    r.last.connect();
    r.clock.advance(1999);
    expect(r.last.aborted).toBe(false);
    r.clock.advance(1);
    expect(r.last.aborted).toBe(true);
  });

  it("does not hold for a POST that may have been carried out: it is not tried again", () => {
    const r = rig({ attemptTimeout: "2s" });
    const told = r.call({ method: "POST" });
    r.last.connect();
    r.clock.advance(2000);
    expect(told.error).toMatchObject({ code: "TIMEOUT", attempts: [{ number: 1 }] });
  });
});

describe("a body", () => {
  it("may not pause for longer than bodyGapTimeout", () => {
    const r = rig({ bodyGapTimeout: "3s" });
    const told = r.call();
    r.last.connect().head(200);
    for (let i = 0; i < 5; i++) {
      r.clock.advance(2999);
      r.last.data(".");
    }
    r.clock.advance(2999);
    expect(told.error).toBeUndefined();
    r.clock.advance(1);
    expect(told.error).toMatchObject({ code: "TIMEOUT", attempts: [{ number: 1, status: 200 }] });
    expect(r.last.aborted).toBe(true);
  });

  it("may take as long as its reader does", () => {
    const r = rig({ bodyGapTimeout: "3s" });
    const told = r.call();
    r.last.connect().head(200);
    told.controller?.pause();
    r.clock.advance(60_000);
    told.controller?.resume();
    r.clock.advance(2999);
    r.last.data("x").end();
    expect(told.last).toBe("end");
  });

  it("may not take longer than bodyTimeout in all", () => {
    const r = rig({ bodyTimeout: "10s" });
    const told = r.call();
    r.clock.advance(5000);
    r.last.connect().head(200);
    for (let i = 0; i < 9; i++) {
      r.clock.advance(1000);
      r.last.data(".");
    }
    expect(told.error).toBeUndefined();
    r.clock.advance(1000);
    expect(told.error).toMatchObject({ code: "TIMEOUT" });
  });

  it("has no limit where it is 0", () => {
    const r = rig({ bodyGapTimeout: 0, bodyTimeout: 0, deadline: 0, attemptTimeout: 0 });
    const told = r.call();
    r.last.connect().head(200);
    r.clock.advance(1e9);
    r.last.end();
    expect(told.last).toBe("end");
    expect(r.clock.pendingTimers).toBe(0);
  });
});

describe("the deadline", () => {
  const late = { code: "DEADLINE", message: "GET http://server.test/a did not end before its deadline" };

  it("covers an attempt", () => {
    const r = rig({ deadline: "5s" });
    const told = r.call();
    r.last.connect();
    r.clock.advance(5000);
    expect(told.error).toMatchObject({ ...late, attempts: [{ number: 1, durationMs: 5000 }] });
    expect(r.last.aborted).toBe(true);
    expect(told.controller?.gaveUp).toEqual({ why: "deadline" });
  });

  it("covers attempts and waits together", () => {
    const r = rig({ deadline: "5s", baseDelay: "2s" });
    const told = r.call();
    r.clock.advance(1000);
    r.last.answer(503);
    r.clock.advance(2000);
    r.last.connect();
    r.clock.advance(1999);
    expect(told.error).toBeUndefined();
    r.clock.advance(1);
    expect(told.error).toMatchObject({
      ...late,
      attempts: [{ number: 1, status: 503 }, { number: 2 }],
      response: { status: 503 },
    });
  });

  it("covers the body", () => {
    const r = rig({ deadline: "5s" });
    const told = r.call();
    r.last.connect().head(200);
    for (let i = 0; i < 5; i++) {
      r.clock.advance(1000);
      r.last.data(".");
    }
    expect(told.error).toMatchObject(late);
  });

  it("holds for a reader that takes nothing", () => {
    const r = rig({ deadline: "5s" });
    const told = r.call();
    r.last.connect().head(200);
    told.controller?.pause();
    r.clock.advance(5000);
    expect(told.error).toMatchObject(late);
  });

  it("of a call that others share is a moment", () => {
    const r = rig({ deadline: "5s" });
    r.clock.advance(1000);
    const told = r.call({ deadlineAt: 1500 });
    r.clock.advance(499);
    expect(told.error).toBeUndefined();
    r.clock.advance(1);
    expect(told.error).toMatchObject(late);
    const past = r.call({ deadlineAt: 1500 });
    expect(past.error).toMatchObject(late);
    expect(r.wires).toHaveLength(1);
  });
});

describe("the clock", () => {
  it("is asked for one timer, however many calls end in time", () => {
    const manual = createManualClock();
    let timers = 0;
    const clock: Clock = {
      ...manual,
      schedule(callback, delayMs, options) {
        timers++;
        expect(options).toEqual({ keepAlive: false });
        return manual.schedule(callback, delayMs);
      },
    };
    const policy = compilePolicy({ clock, breaker: true });
    const engine = createEngine(policy);
    for (let i = 0; i < 1000; i++) {
      const dispatch = (_options: unknown, handler: Told): boolean => {
        handler.onResponseStart(undefined as never, 200, {});
        handler.onResponseEnd();
        return true;
      };
      engine.start(
        {
          dispatch: dispatch as never,
          options: { origin: "http://a.test", path: "/", method: "GET" },
          body: undefined,
          policy,
        },
        new Told(),
      );
      manual.advance(1);
    }
    expect(timers).toBe(1);
    manual.advance(30_000);
    expect(manual.pendingTimers).toBe(0);
  });

  it("keeps no process alive, in an attempt or in a wait", () => {
    const script = `
      import { createEngine } from ${JSON.stringify(new URL("../src/engine/engine.ts", import.meta.url).href)};
      import { compilePolicy } from ${JSON.stringify(new URL("../src/policy/policy.ts", import.meta.url).href)};
      const policy = compilePolicy({ baseDelay: "50s", jitter: "none" });
      const engine = createEngine(policy);
      const options = { origin: "http://a.test", path: "/", method: "GET" };
      const unanswered = () => true;
      const failing = () => { throw Object.assign(new Error(), { code: "ECONNRESET" }); };
      engine.start({ dispatch: unanswered, options, policy }, {});
      engine.start({ dispatch: failing, options, policy }, {});
    `;
    const run = spawnSync(process.execPath, ["--no-warnings", "--input-type=module-typescript", "-e", script], {
      timeout: 20_000,
      encoding: "utf8",
    });
    expect(run).toMatchObject({ status: 0, stderr: "" });
  });
});
