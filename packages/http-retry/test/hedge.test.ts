import { errors } from "undici";
import { describe, expect, it } from "vitest";
import { reset, rig } from "./engine-rig.ts";

const body = (isReplayable: boolean) => ({
  isReplayable,
  length: undefined,
  contentType: undefined,
  open: () => "x",
  close() {},
});

describe("a hedged request", () => {
  it("is sent a second time when it is slow, and the first response counts", () => {
    const r = rig({ hedge: { after: 200 } });
    const told = r.call();
    const first = r.last.connect();
    r.clock.advance(199);
    expect(r.wires).toHaveLength(1);
    r.clock.advance(1);
    expect(r.wires).toHaveLength(2);
    r.last.connect().head(200).data("second");
    expect(first).toMatchObject({ aborted: true });
    r.last.end();
    expect(told).toMatchObject({ body: "second", events: ["start", "200", "end"] });
    expect(told.controller?.attempts).toMatchObject([{ number: 1, durationMs: 200, waitMs: 0 }]);
  });

  it("ends the second when the first answers after all", () => {
    const r = rig({ hedge: { after: 200 } });
    const told = r.call();
    r.clock.advance(200);
    r.wires[0]!.answer(200, {}, "first");
    r.wires[1]!.connect();
    expect(r.wires[1]!.refused).toBeInstanceOf(errors.RequestAbortedError);
    expect(told).toMatchObject({ body: "first", last: "end" });
  });

  it("is not sent a second time when its headers are there in time", () => {
    const r = rig({ hedge: { after: 200 } });
    r.call();
    r.last.connect().head(200);
    r.clock.advance(10_000);
    expect(r.wires).toHaveLength(1);
  });

  it("is sent a second time once only", () => {
    const r = rig({ hedge: { after: 200 } });
    r.call();
    r.clock.advance(10_000);
    expect(r.wires).toHaveLength(2);
  });

  it("waits for the other where one has a status that is tried again", () => {
    const r = rig({ hedge: { after: 200 } });
    const told = r.call();
    r.clock.advance(200);
    r.wires[1]!.answer(503, {}, "busy");
    expect(told.events).toEqual(["start"]);
    r.clock.advance(1000);
    expect(r.wires).toHaveLength(2);
    r.wires[0]!.answer(200, {}, "first");
    expect(told).toMatchObject({ body: "first", last: "end" });
    expect(told.controller?.attempts).toMatchObject([{ number: 2, status: 503 }]);
  });

  it("waits for the other where one fails", () => {
    const r = rig({ hedge: { after: 200 } });
    const told = r.call();
    r.clock.advance(200);
    r.wires[0]!.connect().fail(reset());
    r.wires[1]!.answer(200, {}, "second");
    expect(told).toMatchObject({ body: "second", last: "end" });
  });

  it("is tried again after the later of two failures", () => {
    const r = rig({ hedge: { after: 200 }, retries: 1 });
    const told = r.call();
    r.clock.advance(200);
    r.wires[0]!.connect().fail(reset());
    r.wires[1]!.connect().fail(reset());
    expect(r.delays).toEqual([100]);
    r.clock.advance(100);
    r.last.answer(200);
    expect(told.last).toBe("end");
    expect(told.controller?.attempts.map(({ number, waitMs }) => [number, waitMs])).toEqual([
      [1, 0],
      [2, 100],
    ]);
  });

  it("ends both at the deadline", () => {
    const r = rig({ hedge: { after: 200 }, deadline: "1s" });
    const told = r.call();
    r.wires[0]!.connect();
    r.clock.advance(200);
    r.wires[1]!.connect();
    r.clock.advance(800);
    expect(told.error).toMatchObject({ code: "DEADLINE", attempts: [{ number: 1 }, { number: 2 }] });
    expect(r.wires.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it("has a timeout for each of the two", () => {
    const r = rig({ hedge: { after: 200 }, attemptTimeout: "1s", retries: 0 });
    const told = r.call();
    r.wires[0]!.connect();
    r.clock.advance(200);
    r.wires[1]!.connect();
    r.clock.advance(800);
    expect(r.wires.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(told.error).toBeUndefined();
    r.clock.advance(200);
    expect(told.error).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("the second attempt of a pair", () => {
  it("takes a token of the budget, and is not made without one", () => {
    const told: string[] = [];
    const r = rig({
      hedge: { after: 200 },
      budget: { ratio: 0, reserve: 1 },
      on: { budget: ({ origin }) => told.push(origin) },
    });
    r.call();
    r.call();
    r.clock.advance(200);
    expect(r.wires).toHaveLength(3);
    expect(told).toEqual(["http://server.test"]);
  });

  it("needs a free slot, and gives it back", async () => {
    const r = rig({ hedge: { after: 200 }, concurrency: { limit: 2 } });
    r.call();
    r.call();
    r.clock.advance(200);
    expect(r.wires).toHaveLength(2);
    for (const wire of r.wires) wire.answer(200);
    r.call();
    r.clock.advance(200);
    expect(r.wires).toHaveLength(4);
    r.last.answer(200);
    r.call();
    r.call();
    await Promise.resolve();
    expect(r.wires).toHaveLength(6);
  });

  it("is made for idempotent requests alone", () => {
    const r = rig({ hedge: { after: 200 } });
    r.call({ method: "POST" });
    r.clock.advance(10_000);
    expect(r.wires).toHaveLength(1);
    r.call({ method: "POST", headers: { "idempotency-key": "k" } });
    r.clock.advance(200);
    expect(r.wires).toHaveLength(3);
  });

  it("is made only where the body can be sent again", () => {
    const r = rig({ hedge: { after: 200 } });
    r.call({ method: "PUT", body: body(false) });
    r.clock.advance(200);
    expect(r.wires).toHaveLength(1);
    r.call({ method: "PUT", body: body(true) });
    r.clock.advance(200);
    expect(r.wires).toHaveLength(3);
  });

  it("comes after the 95th percentile of the origin's times, once 20 of them are known", () => {
    const r = rig({ hedge: true });
    r.call();
    r.clock.advance(10_000);
    r.last.answer(200);
    expect(r.wires).toHaveLength(1);
    for (let i = 0; i < 99; i++) {
      r.call();
      r.clock.advance(10);
      r.last.answer(200);
    }
    r.call();
    const sent = r.wires.length;
    r.clock.advance(9);
    expect(r.wires).toHaveLength(sent);
    r.clock.advance(1);
    expect(r.wires).toHaveLength(sent + 1);
  });
});
