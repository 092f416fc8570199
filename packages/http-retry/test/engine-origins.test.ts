import { describe, expect, it } from "vitest";
import { createOrigins } from "../src/engine/origins.ts";
import { compilePolicy } from "../src/policy/policy.ts";
import { type Rig, reset, rig } from "./engine-rig.ts";

/** Calls that are answered at once. */
function answerMany(r: Rig, count: number, status: number): void {
  for (let i = 0; i < count; i++) {
    r.call({ method: "POST" });
    r.last.answer(status);
  }
}

describe("the budget", () => {
  it("of an origin bounds retries, and the response is then passed on", () => {
    const r = rig({ budget: { ratio: 0, reserve: 2 } });
    const told = r.call();
    r.last.answer(503);
    r.clock.advance(100);
    r.last.answer(503);
    r.clock.advance(200);
    r.last.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "budget" });
  });

  it("is each origin's own", () => {
    const r = rig({ budget: { ratio: 0, reserve: 1 } });
    for (const origin of ["http://a.test", "http://b.test"]) {
      r.call({ origin });
      r.last.answer(503);
    }
    r.clock.advance(100);
    expect(r.wires).toHaveLength(4);
  });

  it("grows with requests", () => {
    const r = rig({ budget: { ratio: 0.5, reserve: 1 } });
    r.call();
    r.last.answer(503);
    r.clock.advance(100);
    r.last.answer(200);
    answerMany(r, 2, 200);
    const told = r.call();
    r.last.answer(503);
    r.clock.advance(100);
    expect(r.wires).toHaveLength(6);
    expect(told.events).toEqual(["start"]);
  });
});

describe("the breaker", () => {
  const breaker = { failureRatio: 0.5, minimum: 4, window: "10s", open: "5s", probes: 2 };

  it("refuses calls while it is open, without a request", () => {
    const r = rig({ breaker });
    answerMany(r, 4, 503);
    const told = r.call();
    expect(told.error).toMatchObject({ code: "CIRCUIT_OPEN", attempts: [] });
    expect(told.controller?.gaveUp).toEqual({ why: "circuit-open" });
    expect(r.wires).toHaveLength(4);
    expect(r.call({ origin: "http://other.test" }).error).toBeUndefined();
  });

  it("ends the retries of a call whose failure opens it, without a token of the budget", () => {
    const r = rig({ breaker, budget: { ratio: 0, reserve: 1 } });
    answerMany(r, 3, 503);
    const told = r.call();
    r.last.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "circuit-open" });
    r.clock.advance(5000);
    r.call();
    r.last.connect().head(200).end();
    r.call();
    r.last.connect().head(200).end();
    r.call();
    r.last.answer(503);
    r.clock.advance(100);
    expect(r.last.options.method).toBe("GET");
  });

  it("refuses an attempt that was waited for, with what there was", () => {
    const r = rig({ breaker, baseDelay: "1s" });
    const told = r.call();
    r.last.answer(503, {}, "busy");
    answerMany(r, 3, 503);
    r.clock.advance(1000);
    expect(told.error).toMatchObject({
      code: "CIRCUIT_OPEN",
      attempts: [{ number: 1, status: 503 }],
      response: { status: 503 },
    });
  });

  it("closes again when its probes succeed", () => {
    const r = rig({ breaker });
    answerMany(r, 4, 503);
    r.clock.advance(5000);
    const first = r.call();
    const second = r.call();
    expect(r.call().error).toMatchObject({ code: "CIRCUIT_OPEN" });
    for (const wire of r.wires.slice(-2)) wire.answer(200);
    expect([first.last, second.last]).toEqual(["end", "end"]);
    expect(r.call().error).toBeUndefined();
  });

  it("gets a probe back that was called off", () => {
    const r = rig({ breaker });
    answerMany(r, 4, 503);
    r.clock.advance(5000);
    for (let i = 0; i < 10; i++) {
      const told = r.call();
      expect(told.error).toBeUndefined();
      told.controller?.abort(new Error("no longer wanted"));
    }
    answerMany(r, 2, 200);
    expect(r.call().error).toBeUndefined();
  });

  it("counts an attempt that never gets an answer", () => {
    const r = rig({ breaker, attemptTimeout: "1s", retries: 0 });
    for (let i = 0; i < 4; i++) r.call();
    r.clock.advance(1000);
    expect(r.call().error).toMatchObject({ code: "CIRCUIT_OPEN" });
  });

  it("counts an attempt that the deadline ends", () => {
    const r = rig({ breaker, deadline: "1s" });
    for (let i = 0; i < 4; i++) r.call();
    r.clock.advance(1000);
    expect(r.call().error).toMatchObject({ code: "CIRCUIT_OPEN" });
  });

  it.each([429, 404, 501])("takes a %i for an answer of an origin that is well", (status) => {
    const r = rig({ breaker });
    answerMany(r, 10, status);
    expect(r.call().error).toBeUndefined();
  });
});

describe("the limit on requests under way", () => {
  it("lets those wait in line that are above it", () => {
    const r = rig({ concurrency: { limit: 2 } });
    const calls = [1, 2, 3, 4].map((number) => r.call({ path: `/${number}` }));
    expect(r.wires.map(({ options }) => options.path)).toEqual(["/1", "/2"]);
    r.wires[1]!.answer(200);
    return Promise.resolve().then(() => {
      expect(r.wires.map(({ options }) => options.path)).toEqual(["/1", "/2", "/3"]);
      expect(calls.map(({ last }) => last)).toEqual(["start", "end", "start", "start"]);
    });
  });

  it("counts a request until its body is over", async () => {
    const r = rig({ concurrency: { limit: 1 } });
    r.call();
    r.call();
    r.last.connect().head(200).data("x");
    await Promise.resolve();
    expect(r.wires).toHaveLength(1);
    r.last.end();
    await Promise.resolve();
    expect(r.wires).toHaveLength(2);
  });

  it("lets another request pass while a call waits to be tried again", async () => {
    const r = rig({ concurrency: { limit: 1 } });
    r.call();
    const second = r.call();
    r.last.answer(503);
    await Promise.resolve();
    r.last.answer(200);
    expect(second.last).toBe("end");
  });

  it("refuses at once where the line is full", () => {
    const r = rig({ concurrency: { limit: 1, queue: 1 } });
    r.call();
    r.call();
    expect(r.call().error).toMatchObject({ code: "QUEUE_FULL", attempts: [] });
  });

  it("covers the wait in line with the deadline, and no attempt's timeout", () => {
    const r = rig({ concurrency: { limit: 1 }, attemptTimeout: "1s", deadline: "3s", retries: 0 });
    r.call({ deadlineAt: 60_000 });
    r.last.connect().head(200);
    const told = r.call();
    r.clock.advance(2999);
    expect(told.error).toBeUndefined();
    r.clock.advance(1);
    expect(told.error).toMatchObject({ code: "DEADLINE", attempts: [] });
  });

  it.each<[string, (r: Rig) => void]>([
    ["a response", (r) => r.last.answer(200)],
    ["an error", (r) => r.last.connect().fail(reset())],
    ["a body that breaks", (r) => r.last.connect().head(200).fail(reset())],
    ["a timeout", (r) => r.clock.advance(10_000)],
    [
      "a status put aside, and its next attempt,",
      (r) => {
        r.last.answer(503);
        r.clock.advance(100);
        r.last.answer(200);
      },
    ],
  ])("gets its slot back after %s", async (_name, finish) => {
    const r = rig({ concurrency: { limit: 1 }, attemptTimeout: "10s", retries: 1, baseDelay: 100, statuses: [503] });
    for (let i = 0; i < 3; i++) {
      const told = r.call({ method: "GET" });
      finish(r);
      if (told.last === "start") r.clock.advance(100);
      if (told.last === "start") finish(r);
      await Promise.resolve();
      expect(["end", "error"]).toContain(told.last);
    }
  });

  it("gets its slot back from those that are called off, in line or under way", async () => {
    const r = rig({ concurrency: { limit: 1 } });
    const reason = new Error("no longer wanted");
    const [first, second, third] = [r.call(), r.call(), r.call()];
    second.controller?.abort(reason);
    first.controller?.abort(reason);
    // Between the grant and the turn in which it is taken.
    third.controller?.abort(reason);
    await Promise.resolve();
    expect(r.wires).toHaveLength(1);
    const told = r.call();
    r.last.answer(200);
    expect(told.last).toBe("end");
  });
});

describe("the server's pace", () => {
  it("holds the next requests back", () => {
    const r = rig({ pace: true });
    r.call();
    r.last.answer(200, { "ratelimit-policy": '"a";q=100;w=60', ratelimit: '"a";r=2;t=10' });
    r.call();
    r.call();
    const before = r.wires.length;
    r.clock.advance(10_000);
    expect(r.wires.length).toBeGreaterThan(before);
  });

  it("makes a call give up at once whose deadline it leaves nothing of, and says until when", () => {
    const r = rig({ pace: true, deadline: "5s" });
    r.call();
    r.last.answer(200, { ratelimit: '"a";r=0;t=30' });
    const told = r.call();
    expect(told.error).toMatchObject({ code: "WAIT_TOO_LONG", retryAt: new Date(r.clock.now() + 30_000) });
    expect(told.controller?.gaveUp).toEqual({ why: "wait-too-long", until: r.clock.now() + 30_000 });
  });
});

describe("origins", () => {
  it("are one by text and by URL", () => {
    const origins = createOrigins(compilePolicy());
    expect(origins.originOf(new URL("http://a.test/path"))).toBe(origins.originOf("http://a.test"));
  });

  it("have no more than the policy uses", () => {
    const bare = createOrigins(compilePolicy({ budget: false })).originOf("http://a.test");
    expect(bare).toEqual({ origin: "http://a.test", calls: 0 });
  });

  it("are bounded: of those without a call, the one that has gone unused for longest goes", () => {
    const origins = createOrigins(compilePolicy());
    const busy = origins.originOf("http://busy.test");
    busy.calls++;
    const often = origins.originOf("http://often.test");
    const once = origins.originOf("http://once.test");
    for (let i = 0; i < 5000; i++) {
      origins.originOf(`http://${i}.test`);
      expect(origins.originOf("http://often.test")).toBe(often);
    }
    expect(origins.originOf("http://busy.test")).toBe(busy);
    expect(origins.originOf("http://once.test")).not.toBe(once);
  });
});
