import { errors } from "undici";
import { describe, expect, it } from "vitest";
import type { RequestBody, WireBody } from "../src/body/request-body.ts";
import { createEngine } from "../src/engine/engine.ts";
import { HttpRetryError } from "../src/index.ts";
import { compilePolicy } from "../src/policy/policy.ts";
import { refused, reset, rig, Told } from "./engine-rig.ts";

function bodyFrom(open: () => WireBody | Promise<WireBody>, isReplayable = true): RequestBody & { closed: number } {
  return {
    isReplayable,
    length: undefined,
    contentType: undefined,
    open,
    closed: 0,
    close() {
      this.closed++;
    },
  };
}

describe("a call", () => {
  it("passes a good response on as it comes", () => {
    const { call, wires } = rig();
    const told = call();
    expect(told.events).toEqual(["start"]);
    wires[0]!.connect().head(200, { "x-a": "1" }).data("one ").data("two");
    expect(told).toMatchObject({ body: "one two", headers: { "x-a": "1" } });
    wires[0]!.end();
    expect(told.events).toEqual(["start", "200", "end"]);
    expect(told.controller).toMatchObject({ attempts: [], gaveUp: { why: "done" }, aborted: false });
    expect(wires).toHaveLength(1);
  });

  it("hands the request on without a copy", () => {
    const r = rig();
    r.call({ headers: { a: "1" } });
    expect(r.last.options).toEqual({
      origin: "http://server.test",
      path: "/a?key=secret",
      method: "GET",
      headers: { a: "1" },
    });
  });

  it("shows the raw headers and trailers of the response that it passes on", () => {
    const r = rig();
    const told = r.call();
    r.last.answer(503, { a: "old" });
    r.clock.advance(100);
    r.last.connect().head(200, { a: "new" });
    expect(told.controller?.rawHeaders).toEqual(["a", "new"]);
    r.last.rawTrailers = ["t", "1"];
    r.last.end({ t: "1" });
    expect(told.controller?.rawTrailers).toEqual(["t", "1"]);
  });

  it("tries a 503 again after the delay, and passes on the last response alone", () => {
    const r = rig();
    const told = r.call();
    r.last.answer(503, {}, "no");
    expect(r.wires).toHaveLength(1);
    r.clock.advance(99);
    expect(r.wires).toHaveLength(1);
    r.clock.advance(1);
    r.last.answer(503, {}, "no");
    r.clock.advance(200);
    r.last.answer(200, {}, "yes");
    expect(told.events).toEqual(["start", "200", "end"]);
    expect(told.body).toBe("yes");
    expect(told.controller?.attempts).toEqual([
      { number: 1, status: 503, durationMs: 0, waitMs: 100 },
      { number: 2, status: 503, durationMs: 0, waitMs: 200 },
    ]);
  });

  it("passes on the last response with its body when the retries are used up", () => {
    const r = rig({ retries: 1 });
    const told = r.call();
    r.last.answer(503, {}, "first");
    r.clock.advance(100);
    r.last.answer(503, {}, "second");
    expect(told).toMatchObject({ body: "second", last: "end" });
    expect(told.controller).toMatchObject({ gaveUp: { why: "attempts" }, attempts: [{ number: 1 }] });
  });

  it("passes a status on that another attempt would meet again", () => {
    const r = rig();
    const told = r.call();
    r.last.answer(404, {}, "none");
    expect(told).toMatchObject({ body: "none", events: ["start", "404", "end"] });
    expect(told.controller?.gaveUp).toEqual({ why: "not-retryable" });
  });

  it("tries again after an error, and rejects with every attempt and its cause", () => {
    const r = rig({ retries: 2 });
    const told = r.call();
    const causes = [reset(), reset(), reset()];
    r.last.connect().fail(causes[0]!);
    r.clock.advance(100);
    r.clock.advance(5);
    r.last.connect().fail(causes[1]!);
    r.clock.advance(200);
    r.last.connect().fail(causes[2]!);
    expect(told.events).toEqual(["start", "error"]);
    expect(told.error).toBeInstanceOf(HttpRetryError);
    expect(told.error).toMatchObject({
      code: "NETWORK",
      message: "GET http://server.test/a failed after 3 attempts: read ECONNRESET",
      cause: causes[2],
      attempts: [
        { number: 1, error: causes[0], durationMs: 0, waitMs: 100 },
        { number: 2, error: causes[1], durationMs: 5, waitMs: 200 },
        { number: 3, error: causes[2], durationMs: 0, waitMs: 0 },
      ],
    });
  });

  it("keeps the last response that there was for the error", () => {
    const r = rig({ retries: 1 });
    const told = r.call();
    r.last.answer(503, { "x-why": "load" }, '{"why":"load"}');
    r.clock.advance(100);
    r.last.connect().fail(reset());
    const { response } = told.error as HttpRetryError;
    expect(response).toMatchObject({ status: 503, headers: { "x-why": "load" }, isTruncated: false });
    expect(response?.json()).toEqual({ why: "load" });
  });

  it("does not try an error again that another attempt would meet again", () => {
    const r = rig();
    const told = r.call();
    const cause = Object.assign(new Error("self-signed"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    r.last.fail(cause);
    expect(told.error).toMatchObject({ code: "NETWORK", cause, attempts: [{ number: 1 }] });
    expect(told.controller?.gaveUp).toEqual({ why: "not-retryable" });
  });

  it("gives up at once, and says until when, where the server asks for more than the longest delay", () => {
    const r = rig({ maxDelay: "10s" });
    const told = r.call();
    r.last.answer(429, { "retry-after": "11" }, "slow down");
    expect(told).toMatchObject({ body: "slow down", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "wait-too-long", until: r.clock.now() + 11_000 });
  });

  it("waits as long as the server asks", () => {
    const r = rig();
    r.call();
    r.last.answer(503, { "retry-after": "7" });
    r.clock.advance(6_999);
    expect(r.wires).toHaveLength(1);
    r.clock.advance(1);
    expect(r.wires).toHaveLength(2);
  });

  it("does not start an attempt that could not before the deadline", () => {
    const r = rig({ deadline: 1000, baseDelay: 1000 });
    const told = r.call();
    r.last.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "deadline" });
    const other = r.call();
    const cause = reset();
    r.last.connect().fail(cause);
    expect(other.error).toMatchObject({ code: "DEADLINE", cause });
  });
});

describe("a request that may have been carried out", () => {
  it("is not sent again: the response is passed on", () => {
    const r = rig();
    const told = r.call({ method: "POST" });
    r.last.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "not-idempotent" });
  });

  it("is not sent again after an error on a connection", () => {
    const r = rig();
    const told = r.call({ method: "POST" });
    r.last.connect().fail(reset());
    expect(told.error).toMatchObject({ code: "NETWORK", attempts: [{ number: 1 }] });
  });

  it("is sent again where it never was on a connection", () => {
    const r = rig();
    const told = r.call({ method: "POST" });
    r.last.fail(refused());
    r.clock.advance(100);
    r.last.answer(201);
    expect(told.last).toBe("end");
  });

  it("is sent again with the Idempotency-Key that it has", () => {
    const r = rig();
    const told = r.call({ method: "POST", headers: ["Idempotency-Key", "k"] });
    r.last.answer(503);
    r.clock.advance(100);
    r.last.answer(201);
    expect(told.last).toBe("end");
    expect(r.wires.map(({ headers }) => headers)).toEqual([
      ["Idempotency-Key", "k"],
      ["Idempotency-Key", "k"],
    ]);
  });

  it("gets an Idempotency-Key where the policy says so: one for all its attempts, another for each call", () => {
    const r = rig({ idempotencyKey: true });
    for (let call = 0; call < 2; call++) {
      r.call({ method: "POST", headers: { a: "1" } });
      r.last.answer(503);
      r.clock.advance(100);
    }
    const keys = r.wires.map(({ headers }) => (headers as Record<string, string>)["idempotency-key"]);
    expect(keys[0]).toMatch(/^[\da-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
    expect(r.wires[0]!.headers).toEqual({ a: "1", "idempotency-key": keys[0] });
  });

  it.each(["GET", "PUT", "DELETE"])("gets no key when it is a %s", (method) => {
    const r = rig({ idempotencyKey: true });
    r.call({ method });
    expect(r.last.headers).toBeNull();
  });

  it("is sent again where the caller says so", () => {
    const r = rig({ retryUnsafe: true });
    r.call({ method: "POST" });
    r.last.answer(503);
    r.clock.advance(100);
    expect(r.wires).toHaveLength(2);
  });
});

describe("request headers", () => {
  it("that can be read only once are there for each attempt", () => {
    const r = rig();
    r.call({ headers: new Map([["a", "1"]]).entries() });
    r.last.answer(503);
    r.clock.advance(100);
    expect(r.wires.map(({ headers }) => headers)).toEqual([
      ["a", "1"],
      ["a", "1"],
    ]);
  });

  it.each([
    ["an object", { a: "1", b: ["2", "3"], c: undefined }],
    ["a list", ["a", "1", "b", "2", "b", "3"]],
    [
      "pairs",
      new Map<string, string | string[]>([
        ["a", "1"],
        ["b", ["2", "3"]],
      ]),
    ],
  ])("in %s get a field added", (_shape, headers) => {
    const r = rig({ idempotencyKey: true });
    r.call({ method: "POST", headers: headers as never });
    const sent = r.last.headers as Record<string, unknown> | string[];
    if (Array.isArray(sent)) expect(sent.slice(0, 7)).toEqual(["a", "1", "b", "2", "b", "3", "idempotency-key"]);
    else expect(sent).toMatchObject({ a: "1", b: ["2", "3"], "idempotency-key": expect.any(String) });
  });
});

describe("a request body", () => {
  it("is opened for each attempt, and closed at the end", () => {
    const r = rig();
    let opened = 0;
    const body = bodyFrom(() => `body ${++opened}`);
    r.call({ method: "PUT", body });
    r.last.answer(503);
    r.clock.advance(100);
    expect(r.wires.map(({ options }) => options.body)).toEqual(["body 1", "body 2"]);
    expect(body.closed).toBe(0);
    r.last.answer(200);
    expect(body.closed).toBe(1);
  });

  it("may take its time to open, which the attempt's timeout covers", async () => {
    const r = rig({ attemptTimeout: 1000, retries: 0 });
    const slow = Promise.withResolvers<WireBody>();
    const told = r.call({ method: "PUT", body: bodyFrom(() => slow.promise) });
    r.clock.advance(1000);
    expect(told.error).toMatchObject({ code: "TIMEOUT" });
    slow.resolve("late");
    await slow.promise;
    expect(r.wires).toHaveLength(0);
  });

  it("that can't be opened ends the call with its error", async () => {
    const r = rig();
    const cause = new Error("no such file");
    const told = r.call({ method: "PUT", body: bodyFrom(() => Promise.reject(cause)) });
    await new Promise(setImmediate);
    expect(told.error).toMatchObject({ code: "NETWORK", cause });
  });

  it("that is spent is not sent again, and the real response is what the caller gets", () => {
    const r = rig();
    const told = r.call({ method: "PUT", body: bodyFrom(() => "once", false) });
    r.last.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", last: "end" });
    expect(told.controller?.gaveUp).toEqual({ why: "body-spent" });
  });
});

describe("a response that is put aside", () => {
  it("is kept up to 64 KiB", () => {
    const r = rig({ retries: 1 });
    const told = r.call();
    const piece = Buffer.alloc(50_000, "x");
    r.last.connect().head(503).data(piece).data(piece).end();
    r.clock.advance(100);
    r.last.connect().fail(reset());
    const { response } = told.error as HttpRetryError;
    expect(response).toMatchObject({ isTruncated: true });
    expect(response?.body.byteLength).toBe(64 * 1024);
    expect(() => response?.json()).toThrow(SyntaxError);
  });

  it("is read to its end up to 1 MiB, and cut off beyond", () => {
    const r = rig();
    r.call();
    const first = r.last.connect().head(503);
    for (let i = 0; i < 16; i++) first.data(Buffer.alloc(64 * 1024));
    expect(first.aborted).toBe(false);
    first.data(Buffer.alloc(1));
    expect(first.aborted).toBe(true);
    r.clock.advance(100);
    expect(r.wires).toHaveLength(2);
  });

  it("is cut off after a second", () => {
    const r = rig({ baseDelay: "5s" });
    r.call();
    const first = r.last.connect().head(503).data("some");
    r.clock.advance(999);
    expect(first.aborted).toBe(false);
    r.clock.advance(1);
    expect(first.aborted).toBe(true);
    r.clock.advance(4000);
    expect(r.wires).toHaveLength(2);
  });

  it("is cut off when the call is over", () => {
    const r = rig();
    r.call();
    const first = r.last.connect().head(503);
    r.clock.advance(100);
    r.last.answer(200);
    expect(first.aborted).toBe(true);
  });

  it("has no say any more when it breaks", () => {
    const r = rig();
    const told = r.call();
    r.last.connect().head(503).fail(reset());
    r.clock.advance(100);
    r.last.answer(200, {}, "yes");
    expect(told).toMatchObject({ body: "yes", events: ["start", "200", "end"] });
  });
});

describe("the layer below", () => {
  it("may throw: the call ends with what it threw", () => {
    const cause = new errors.InvalidArgumentError("invalid request path");
    const told = rig().call({
      dispatch() {
        throw cause;
      },
    });
    expect(told.error).toMatchObject({ code: "INVALID_OPTION", cause });
  });

  it("says whether it takes more at once", () => {
    const policy = compilePolicy();
    const start = (answer: boolean) =>
      createEngine(policy).start(
        {
          dispatch: () => answer,
          options: { origin: "http://a.test", path: "/", method: "GET" },
          body: undefined,
          policy,
        },
        new Told(),
      );
    expect([start(true).hasRoom, start(false).hasRoom]).toEqual([true, false]);
  });

  it("is not heard any more of an attempt that is over", () => {
    const r = rig({ attemptTimeout: 1000 });
    const told = r.call();
    const first = r.last.connect();
    r.clock.advance(1100);
    r.last.answer(200, {}, "second");
    first.head(200).data("first").end();
    expect(told).toMatchObject({ body: "second", events: ["start", "200", "end"] });
  });

  it("may put a dead attempt on a connection, which then ends without it", () => {
    const r = rig({ attemptTimeout: 1000 });
    r.call();
    r.clock.advance(1100);
    expect(r.wires).toHaveLength(2);
    r.wires[0]!.connect();
    expect(r.wires[0]).toMatchObject({ refused: { code: "TIMEOUT" }, aborted: false });
    expect(r.wires[1]!.aborted).toBe(false);
  });

  it("may hand a context up", () => {
    const r = rig();
    const contexts: unknown[] = [];
    const told = new Told();
    told.onRequestStart = (_controller, ...more: unknown[]) => void contexts.push(...more);
    r.call({}, told);
    r.last.connect({ history: [] });
    expect(contexts).toEqual([null, { history: [] }]);
  });

  it("tells of informational responses, which only a sink that wants them hears of", () => {
    const r = rig();
    const told = r.call();
    r.last.connect().inform(103);
    expect(told.events).toEqual(["start"]);
    const curious = r.call({ wantsInformation: true });
    r.last.connect().inform(103).head(200).end();
    expect(curious.events).toEqual(["start", "103", "200", "end"]);
  });
});

describe("a sink that throws", () => {
  const thrown = new Error("from the sink");
  const fail = (): never => {
    throw thrown;
  };

  it.each(["onRequestStart", "onResponseStart", "onResponseData"] as const)(
    "in %s ends the call with it",
    (callback) => {
      const r = rig();
      const told = new Told();
      told[callback] = fail;
      r.call({}, told);
      if (r.wires.length > 0) r.last.connect().head(200).data("x");
      expect(told.error).toBe(thrown);
      expect(r.wires.every(({ aborted }) => aborted)).toBe(true);
      r.clock.advance(600_000);
      expect(r.wires.length).toBeLessThan(2);
    },
  );

  it("in onResponseEnd hears of it", () => {
    const r = rig();
    const told = new Told();
    told.onResponseEnd = fail;
    r.call({}, told);
    r.last.answer(200);
    expect(told.error).toBe(thrown);
  });
});
