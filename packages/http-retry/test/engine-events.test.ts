import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import { CHANNELS } from "../src/events.ts";
import { reset, rig, type Told } from "./engine-rig.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.splice(0)) one();
});

const request = { method: "GET", origin: "http://server.test", path: "/a" };
const span = { "http.request.method": "GET", "server.address": "server.test", "server.port": 80, "url.scheme": "http" };

describe("events", () => {
  it("tell of each attempt, in OpenTelemetry's terms", () => {
    const told: unknown[] = [];
    const r = rig({ retries: 2, on: { attempt: (event) => told.push(event) } });
    r.call();
    r.clock.advance(5);
    r.last.answer(503);
    r.clock.advance(100);
    const error = reset();
    r.last.connect().fail(error);
    r.clock.advance(200);
    r.last.connect().head(200);
    r.clock.advance(7);
    r.last.end();
    const common = { request, isHedge: false };
    expect(told).toEqual([
      {
        ...common,
        attempt: 1,
        durationMs: 5,
        status: 503,
        attributes: { ...span, "http.response.status_code": 503, "error.type": "503" },
      },
      {
        ...common,
        attempt: 2,
        durationMs: 0,
        error,
        attributes: { ...span, "http.request.resend_count": 1, "error.type": "ECONNRESET" },
      },
      {
        ...common,
        attempt: 3,
        durationMs: 7,
        status: 200,
        attributes: { ...span, "http.response.status_code": 200, "http.request.resend_count": 2 },
      },
    ]);
  });

  it("tell of each retry before its wait", () => {
    const told: unknown[] = [];
    const r = rig({ on: { retry: (event) => told.push(event) } });
    r.call();
    r.last.answer(429, { "retry-after": "3" });
    r.clock.advance(3000);
    const error = reset();
    r.last.connect().fail(error);
    expect(told).toEqual([
      {
        request,
        attempt: 1,
        delay: 3000,
        delayFrom: "retry-after",
        reason: "429",
        response: { status: 429, headers: { "retry-after": "3" } },
      },
      { request, attempt: 2, delay: 200, delayFrom: "backoff", reason: "ECONNRESET", error },
    ]);
  });

  it("tell why there is no retry, and until when", () => {
    const told: unknown[] = [];
    const r = rig({ on: { giveUp: (event) => told.push(event) } });
    r.call();
    r.last.answer(503, { "retry-after": "86400" });
    r.call({ method: "POST" });
    r.last.answer(503);
    r.call();
    r.last.answer(404);
    expect(told).toEqual([
      { request, attempts: 1, why: "wait-too-long", reason: "503", until: r.clock.now() + 86_400_000 },
      { request: { ...request, method: "POST" }, attempts: 1, why: "not-idempotent", reason: "503" },
    ]);
  });

  it("tell of a budget that is used up, and of a breaker that changes", () => {
    const told: unknown[] = [];
    const r = rig({
      budget: { ratio: 0, reserve: 0 },
      breaker: { minimum: 2 },
      on: { budget: (event) => told.push(event), breaker: (event) => told.push(event) },
    });
    for (let i = 0; i < 2; i++) {
      r.call();
      r.last.answer(503);
    }
    expect(told).toEqual([
      { origin: "http://server.test", request },
      { origin: "http://server.test", state: "open" },
    ]);
  });

  it("go to their channels too", () => {
    const told: unknown[] = [];
    const listen = (event: unknown): void => void told.push(event);
    channel(CHANNELS.retry).subscribe(listen);
    undo.push(() => channel(CHANNELS.retry).unsubscribe(listen));
    const r = rig();
    r.call();
    r.last.answer(503);
    expect(told).toMatchObject([{ attempt: 1, reason: "503" }]);
  });

  it("and attempts come in the context of their own call, whatever timer or socket they come of", async () => {
    const storage = new AsyncLocalStorage<string>();
    const told: string[] = [];
    const tell = (what: string) => (): void => void told.push(`${what} ${storage.getStore()}`);
    const r = rig({
      concurrency: { limit: 1 },
      on: { attempt: tell("attempt"), retry: tell("retry"), giveUp: tell("giveUp") },
      retries: 1,
    });
    const start = (name: string): Told =>
      storage.run(name, () => {
        const call = r.call({
          dispatch(options, handler) {
            told.push(`dispatch ${storage.getStore()}`);
            return r.dispatch(options, handler);
          },
        });
        return call;
      });
    start("one");
    start("two");
    r.last.answer(503);
    await Promise.resolve();
    r.last.answer(200);
    await Promise.resolve();
    r.clock.advance(100);
    r.last.answer(503);
    expect(told).toEqual([
      "dispatch one",
      "attempt one",
      "retry one",
      "dispatch two",
      "attempt two",
      "dispatch one",
      "giveUp one",
      "attempt one",
    ]);
  });

  it("name the second of a pair", () => {
    const told: boolean[] = [];
    const r = rig({ hedge: { after: 100 }, on: { attempt: ({ isHedge }) => told.push(isHedge) } });
    r.call();
    r.clock.advance(100);
    r.last.answer(200);
    expect(told).toEqual([false, true]);
  });
});
