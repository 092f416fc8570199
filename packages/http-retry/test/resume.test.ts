import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { cut, type Rig, rig, Told, type Wire } from "./engine-rig.ts";

const TEXT = "0123456789";
const WHOLE = { etag: '"v1"', "content-length": "10" };
const part = (first: number, last = 9, more: Record<string, string> = {}) => ({
  "content-range": `bytes ${first}-${last}/10`,
  "content-length": String(last - first + 1),
  etag: '"v1"',
  ...more,
});
const sha256 = (text: string): string => `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;

/** A call whose body broke after four bytes, and the attempt that follows. */
function broken(
  r: Rig,
  headers: Record<string, string> = WHOLE,
  told = new Told(),
  call = {},
): { told: Told; next: Wire } {
  r.call(call, told);
  r.last.connect().head(200, headers).data(TEXT.slice(0, 4)).fail(cut());
  r.clock.advance(100);
  return { told, next: r.last };
}

describe("a body that breaks under a strong validator", () => {
  it("is taken up again where it broke", () => {
    const r = rig();
    const { told, next } = broken(r, WHOLE, new Told(), { headers: { a: "1" } });
    expect(next.headers).toEqual({ a: "1", range: "bytes=4-", "if-range": '"v1"' });
    next.answer(206, part(4), TEXT.slice(4));
    expect(told).toMatchObject({ body: TEXT, events: ["start", "200", "end"] });
    expect(told.controller?.attempts).toMatchObject([
      { number: 1, status: 200, error: { code: "UND_ERR_SOCKET" }, waitMs: 100 },
    ]);
  });

  it("is taken up as often as retries allow", () => {
    const r = rig({ retries: 2 });
    const { told, next } = broken(r);
    next.connect().head(206, part(4)).data("45").fail(cut());
    r.clock.advance(200);
    expect(r.last.headers).toMatchObject({ range: "bytes=6-" });
    r.last.connect().head(206, part(6)).data("67").fail(cut());
    expect(told.error).toMatchObject({ code: "BODY_BROKEN", attempts: { length: 3 } });
    expect(told.body).toBe("01234567");
  });

  it("goes on through a status that is tried again", () => {
    const r = rig();
    const { told, next } = broken(r);
    next.answer(503, {}, "busy");
    r.clock.advance(200);
    r.last.answer(206, part(4), TEXT.slice(4));
    expect(told).toMatchObject({ body: TEXT, events: ["start", "200", "end"] });
  });

  it("is taken up from a server that knows no ranges: what the sink has is skipped", () => {
    const r = rig();
    const { told, next } = broken(r);
    next.connect().head(200, WHOLE);
    next.data("01").data("23456").data("789").end();
    expect(told).toMatchObject({ body: TEXT, events: ["start", "200", "end"] });
  });

  it("is paused as its sink is", () => {
    const r = rig();
    const told = new Told();
    r.call({}, told);
    const first = r.last.connect().head(200, WHOLE).data("0123");
    told.controller?.pause();
    first.fail(cut());
    r.clock.advance(100);
    r.last.connect().head(206, part(4));
    expect(r.last.paused).toBe(true);
    told.controller?.resume();
    r.last.data("456789").end();
    expect(told.body).toBe(TEXT);
  });

  it("is taken up after a gap that was too long", () => {
    const r = rig({ bodyGapTimeout: "1s" });
    const told = r.call();
    r.last.connect().head(200, WHOLE).data("0123");
    r.clock.advance(1100);
    r.last.answer(206, part(4), "456789");
    expect(told).toMatchObject({ body: TEXT, last: "end" });
  });

  it.each<[string, number, Record<string, string>]>([
    ["has changed", 200, { etag: '"v2"', "content-length": "10" }],
    ["has another length", 200, { etag: '"v1"', "content-length": "11" }],
    ["answers with another range", 206, part(3)],
    ["answers with a range of another length", 206, part(4, 9, { "content-range": "bytes 4-9/11" })],
    ["answers with a range of unknown length", 206, part(4, 9, { "content-range": "bytes 4-9/*" })],
    ["answers with no range", 206, { etag: '"v1"' }],
    ["answers with a range of what has changed", 206, part(4, 9, { etag: '"v2"' })],
    ["answers in another coding", 206, part(4, 9, { "content-encoding": "gzip" })],
    ["has lost it", 404, {}],
    ["has less of it", 416, { "content-range": "bytes */3" }],
    ["refuses", 412, {}],
  ])("is given up where the server %s", (_what, status, headers) => {
    const r = rig();
    const { told, next } = broken(r);
    next.connect().head(status, headers).data("456789").end();
    expect(told.error).toMatchObject({ code: "BODY_BROKEN" });
    expect(told).toMatchObject({ body: "0123", last: "error" });
    expect(next.aborted).toBe(true);
  });

  it("is broken still where the parts do not make up the whole", () => {
    const r = rig({ retries: 1 });
    const { told, next } = broken(r);
    next.answer(206, part(4, 7), "4567");
    expect(told.error).toMatchObject({ code: "BODY_BROKEN" });
    expect(told.last).toBe("error");
  });

  it("is given up where the server asks for too long a wait, and says until when", () => {
    const r = rig();
    const { told, next } = broken(r);
    next.answer(503, { "retry-after": "86400" });
    expect(told.error).toMatchObject({ code: "BODY_BROKEN", retryAt: new Date(r.clock.now() + 86_400_000) });
    r.clock.advance(100_000);
    expect(r.wires).toHaveLength(2);
  });

  it("is asked for on where a part ends early", () => {
    const r = rig();
    const { told, next } = broken(r);
    next.answer(206, part(4, 7), "4567");
    r.clock.advance(200);
    expect(r.last.headers).toMatchObject({ range: "bytes=8-" });
    r.last.answer(206, part(8), "89");
    expect(told).toMatchObject({ body: TEXT, last: "end" });
  });
});

describe("a body that breaks without one", () => {
  it.each<[string, Record<string, string>]>([
    ["no validator", { "content-length": "10" }],
    ["a weak one", { etag: 'W/"v1"', "content-length": "10" }],
    ["a date alone", { "last-modified": "Tue, 01 Jan 2030 00:00:00 GMT", "content-length": "10" }],
    ["no length", { etag: '"v1"' }],
  ])("is not taken up: %s", (_what, headers) => {
    const r = rig();
    const { told } = broken(r, headers);
    expect(r.wires).toHaveLength(1);
    expect(told.error).toMatchObject({ code: "BODY_BROKEN", cause: { code: "UND_ERR_SOCKET" } });
    expect(told.controller?.gaveUp).toEqual({ why: "not-retryable" });
  });

  it("is not taken up where a layer below took its coding off", () => {
    const r = rig();
    const told = r.call();
    r.last.connect().head(200, WHOLE, { ...WHOLE, "Content-Encoding": "gzip" });
    r.last.data("0123").fail(cut());
    expect(told.error).toMatchObject({ code: "BODY_BROKEN" });
    expect(r.wires).toHaveLength(1);
  });

  it("is read from the start where the sink can forget what it has", () => {
    const r = rig();
    const { told, next } = broken(r, { "content-length": "10" }, new Told(true));
    expect(next.headers).toBeNull();
    next.answer(200, {}, "abc");
    expect(told).toMatchObject({ body: "abc", events: ["start", "200", "restart", "200", "end"] });
  });
});

describe("a sink that can forget what it has", () => {
  it("is given the rest alone where that is to be had", () => {
    const r = rig();
    const { told, next } = broken(r, WHOLE, new Told(true));
    next.answer(206, part(4), TEXT.slice(4));
    expect(told).toMatchObject({ body: TEXT, events: ["start", "200", "end"] });
  });

  it("is given what the resource has become", () => {
    const r = rig();
    const { told, next } = broken(r, WHOLE, new Told(true));
    next.answer(200, { etag: '"v2"', "content-length": "3" }, "new");
    expect(told).toMatchObject({
      body: "new",
      headers: { etag: '"v2"' },
      events: ["start", "200", "restart", "200", "end"],
    });
  });

  it("is given all of it from the start where a range went wrong", () => {
    const r = rig();
    const { told, next } = broken(r, WHOLE, new Told(true));
    next.connect().head(416).end();
    r.clock.advance(200);
    expect(r.last.headers).toBeNull();
    r.last.answer(200, WHOLE, TEXT);
    expect(told).toMatchObject({ body: TEXT, last: "end" });
  });

  it("is given the status that is left when retries are used up", () => {
    const r = rig({ retries: 1 });
    const { told, next } = broken(r, {}, new Told(true));
    next.answer(503, {}, "busy");
    expect(told).toMatchObject({ body: "busy", events: ["start", "200", "restart", "503", "end"] });
  });

  it("is given the status in the place of the rest where the server asks for too long a wait", () => {
    const r = rig();
    const { told, next } = broken(r, WHOLE, new Told(true));
    next.answer(503, { "retry-after": "86400" }, "busy");
    expect(told).toMatchObject({ body: "busy", events: ["start", "200", "restart", "503", "end"] });
    expect(told.controller?.gaveUp).toMatchObject({ why: "wait-too-long" });
  });

  it("is not given the outcome of a POST a second time", () => {
    const r = rig();
    const { told } = broken(r, {}, new Told(true), { method: "POST" });
    expect(told.error).toMatchObject({ code: "BODY_BROKEN" });
    expect(r.wires).toHaveLength(1);
  });
});

describe("a digest", () => {
  const answer = async (digest: string, text = TEXT, more: Record<string, string> = {}): Promise<Told> => {
    const r = rig();
    const told = r.call();
    r.last.answer(200, { "repr-digest": digest, ...more }, text);
    await turn();
    return told;
  };

  it("that holds lets the body end", async () => {
    expect((await answer(sha256(TEXT))).last).toBe("end");
  });

  it("that does not hold is an error in the place of the end", async () => {
    expect(await answer(sha256("other"))).toMatchObject({ last: "error", error: { code: "DIGEST_MISMATCH" } });
  });

  it.each([
    ["of an algorithm that we don't know", "md5=:AAAA:"],
    ["that is malformed", "sha-256=AAAA"],
    ["of a wrong length", "sha-256=:AAAA:"],
  ])("%s is ignored", async (_what, digest) => {
    expect((await answer(digest)).last).toBe("end");
  });

  it("is the strongest of several", async () => {
    const sha512 = `sha-512=:${createHash("sha512").update(TEXT).digest("base64")}:`;
    expect((await answer(`${sha256("other")}, ${sha512}`)).last).toBe("end");
    expect((await answer(`${sha512.replace("sha-512=:", "sha-512=:A")}, ${sha256("other")}`)).last).toBe("error");
  });

  it("covers what was taken up again", async () => {
    const digest = sha256(TEXT);
    for (const [rest, last] of [
      ["456789", "end"],
      ["456780", "error"],
    ]) {
      const r = rig();
      const { told, next } = broken(r, { ...WHOLE, "repr-digest": digest });
      next.answer(206, part(4), rest);
      await turn();
      expect(told.last).toBe(last);
    }
  });

  it("of a part is not of the part", () => {
    const r = rig();
    const told = r.call({ headers: { range: "bytes=0-3" } });
    r.last.answer(206, { "repr-digest": sha256(TEXT) }, "0123");
    expect(told.last).toBe("end");
  });

  it("is not asked of a HEAD", () => {
    const r = rig();
    const told = r.call({ method: "HEAD" });
    r.last.answer(200, { "repr-digest": sha256(TEXT) });
    expect(told.last).toBe("end");
  });
});
