import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createEngine } from "../src/engine/engine.ts";
import type { Sink } from "../src/engine/types.ts";
import { compilePolicy, type PolicyOptions } from "../src/policy/policy.ts";
import { type Rig, reset, rig, Told } from "./engine-rig.ts";

type HookName = "retry" | "attempt" | "breaker" | "giveUp" | "budget";

interface Phase {
  readonly name: string;
  readonly options?: PolicyOptions;
  /** Brings a call that has been started there. */
  readonly reach: (rig: Rig) => void;
}

const phases: readonly Phase[] = [
  { name: "while it waits for a connection", reach: () => {} },
  { name: "while it waits for headers", reach: (r) => r.last.connect() },
  { name: "in a wait after a status", reach: (r) => r.last.answer(503) },
  { name: "in a wait after an error", reach: (r) => r.last.connect().fail(reset()) },
  {
    name: "in its second attempt",
    reach: (r) => {
      r.last.answer(503);
      r.clock.advance(100);
      r.last.connect();
    },
  },
  { name: "in the body", reach: (r) => r.last.connect().head(200).data("some") },
  {
    name: "while a response is put aside",
    reach: (r) => r.last.connect().head(503).data("some"),
  },
  {
    name: "with two attempts under way",
    options: { hedge: { after: 50 } },
    reach: (r) => {
      r.last.connect();
      r.clock.advance(50);
      r.last.connect();
    },
  },
];

describe("an abort", () => {
  for (const { name, options, reach } of phases) {
    it(`by the signal ${name} ends the call in the same turn, with its reason`, () => {
      const r = rig(options);
      const abort = new AbortController();
      const told = r.call({ signal: abort.signal });
      reach(r);
      const sent = r.wires.length;
      const reason = new Error("no longer wanted");
      abort.abort(reason);
      expect(told.error).toBe(reason);
      expect(told.controller).toMatchObject({ aborted: true, reason });
      expect(getEventListeners(abort.signal, "abort")).toEqual([]);
      // Whatever still comes finds nobody.
      for (const wire of r.wires) wire.connect();
      expect(r.wires.every(({ aborted, handled }) => aborted || handled)).toBe(true);
      r.clock.advance(3_600_000);
      expect(r.wires).toHaveLength(sent);
      expect(r.clock.pendingTimers).toBe(0);
      expect(told.events.filter((event) => event === "error")).toHaveLength(1);
    });

    it(`by the controller ${name} does the same`, () => {
      const r = rig(options);
      const told = r.call();
      reach(r);
      const reason = new Error("no longer wanted");
      told.controller?.abort(reason);
      expect(told.error).toBe(reason);
      r.clock.advance(3_600_000);
      expect(r.clock.pendingTimers).toBe(0);
      expect(told.last).toBe("error");
    });
  }

  it("before the start sends nothing", () => {
    const r = rig();
    const reason = new Error("never wanted");
    const told = r.call({ signal: AbortSignal.abort(reason) });
    expect(told).toMatchObject({ error: reason, events: ["start", "error"] });
    expect(r.wires).toHaveLength(0);
  });

  it("by the sink as it is greeted sends nothing", () => {
    const r = rig();
    const told = new Told();
    const reason = new Error("no");
    told.onRequestStart = (controller) => controller.abort(reason);
    r.call({}, told);
    expect(told.error).toBe(reason);
    expect(r.wires).toHaveLength(0);
  });

  it("by the sink as the headers come ends the attempt", () => {
    const r = rig();
    const told = new Told();
    const reason = new Error("no");
    told.onResponseStart = (controller) => controller.abort(reason);
    r.call({}, told);
    r.last.connect().head(200).data("x").end();
    expect(told).toMatchObject({ error: reason, body: "", last: "error" });
    expect(r.last).toMatchObject({ aborted: true, reason });
  });

  it.each<[HookName, number, PolicyOptions]>([
    ["retry", 503, {}],
    ["attempt", 503, {}],
    ["attempt", 200, {}],
    ["breaker", 503, { breaker: { minimum: 1 } }],
    ["giveUp", 503, { retries: 0 }],
    ["budget", 503, { budget: { ratio: 0, reserve: 0 } }],
  ])("by the hook %s at a %i ends the call there", (name, status, options) => {
    const abort = new AbortController();
    const r = rig({ ...options, on: { [name]: () => abort.abort() } });
    const told = r.call({ signal: abort.signal });
    r.last.connect().head(status).data("some").end();
    expect(told.error).toBe(abort.signal.reason);
    expect(told.events.filter((event) => event === "error" || event === "end")).toEqual(["error"]);
    r.clock.advance(60_000);
    expect(r.wires).toHaveLength(1);
    expect(r.clock.pendingTimers).toBe(0);
  });

  it("after the end changes nothing", () => {
    const r = rig();
    const told = r.call();
    r.last.answer(200);
    told.controller?.abort(new Error("late"));
    expect(told.events).toEqual(["start", "200", "end"]);
    expect(told.controller?.aborted).toBe(false);
  });

  it("lets go of the request's body, with the reason", () => {
    const r = rig();
    const reasons: unknown[] = [];
    const body = {
      isReplayable: true,
      length: undefined,
      contentType: undefined,
      open: () => "x",
      close: (reason: unknown) => void reasons.push(reason),
    };
    const told = r.call({ method: "PUT", body });
    const reason = new Error("no");
    told.controller?.abort(reason);
    expect(reasons).toEqual([reason]);
  });
});

describe("one signal", () => {
  it("has no listener left after 100,000 calls", () => {
    const policy = compilePolicy();
    const engine = createEngine(policy);
    const { signal } = new AbortController();
    let ended = 0;
    const sink: Sink = { onResponseEnd: () => void ended++ };
    const call = {
      dispatch: (_options: unknown, handler: Sink) => {
        const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };
        handler.onRequestStart?.(controller, null);
        handler.onResponseStart?.(controller, 200, {});
        handler.onResponseEnd?.(controller, {});
        return true;
      },
      options: { origin: "http://a.test", path: "/", method: "GET" },
      body: undefined,
      policy,
      signal,
    };
    for (let i = 0; i < 100_000; i++) engine.start(call, sink);
    expect(ended).toBe(100_000);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("ends all the calls that listen to it", () => {
    const r = rig();
    const abort = new AbortController();
    const calls = Array.from({ length: 100 }, () => r.call({ signal: abort.signal }));
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(100);
    abort.abort();
    expect(calls.every(({ error }) => error === abort.signal.reason)).toBe(true);
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  });
});

describe("a paused sink", () => {
  it("pauses the connection, and resumes it", () => {
    const r = rig();
    const told = r.call();
    r.last.connect().head(200);
    told.controller?.pause();
    expect([r.last.paused, told.controller?.paused]).toEqual([true, true]);
    told.controller?.resume();
    expect([r.last.paused, told.controller?.paused]).toEqual([false, false]);
  });

  it("before there are headers holds back the body of the response that counts, and of no other", () => {
    const r = rig();
    const told = r.call();
    told.controller?.pause();
    const first = r.last.connect().head(503);
    expect(first.paused).toBe(false);
    first.end();
    r.clock.advance(100);
    r.last.connect().head(200);
    expect(r.last.paused).toBe(true);
    told.controller?.resume();
    expect(r.last.paused).toBe(false);
  });
});
