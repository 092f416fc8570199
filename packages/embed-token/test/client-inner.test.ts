import { createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PortLike } from "../src/client/dom.ts";
import { connectFrame, type EmbeddedFrame, type FrameError, type FrameOptions } from "../src/client/inner.ts";
import type { FrameMessage, HostMessage } from "../src/client/protocol.ts";
import { FakeChannel, type FakeTarget, type FakeWindow, fakeTarget, fakeWindow, settled } from "./fake-window.ts";

const PORTAL = "https://portal.example.org";

interface Request {
  readonly url: string;
  readonly init: RequestInit;
}

interface Inside {
  readonly frame: EmbeddedFrame;
  readonly window: FakeWindow;
  readonly host: FakeTarget;
  readonly clock: ManualClock;
  readonly errors: FrameError[];
  readonly requests: Request[];
  /** What the frame said over the port. */
  readonly said: FrameMessage[];
  readonly nonce: string;
  /** Gives the frame a port as the page around it does, and answers it with tokens while `tokens` is true. */
  greet(message?: object): PortLike;
  tokens: boolean;
  reply: (url: string, count: number) => Response | Promise<Response>;
}

const opened = (session: string | undefined, expiresIn = 300): Response =>
  Response.json({ session, dashboard: "sales", scopes: ["view"], expiresIn });

function start(options: FrameOptions = {}, ancestorOrigins?: readonly string[]): Inside {
  const host = fakeTarget();
  const clock = createManualClock(1_800_000_000_000);
  const errors: FrameError[] = [];
  const requests: Request[] = [];
  const said: FrameMessage[] = [];
  const window = fakeWindow({
    parent: host,
    ...(ancestorOrigins && { ancestorOrigins }),
    async fetch(url, init = {}) {
      requests.push({ url, init });
      return await inside.reply(url, exchanges(inside).length);
    },
  });
  const frame = connectFrame({ window, clock, random: () => 0, onError: (error) => errors.push(error), ...options });
  onTestFinished(() => frame.close());
  const inside: Inside = {
    frame,
    window,
    host,
    clock,
    errors,
    requests,
    said,
    nonce: host.posted[0]?.message.nonce as string,
    tokens: true,
    reply: (_url, count) => opened(`session ${count}`),
    greet(message = {}) {
      const { port1, port2 } = new FakeChannel();
      port1.onmessage = ({ data }: { readonly data: FrameMessage }) => {
        said.push(data);
        if (data.type === "token" && inside.tokens)
          port1.postMessage({ type: "token", ask: data.ask, token: "a token" });
      };
      const data = { holdfast: "port", nonce: inside.nonce };
      window.receive({ source: host, origin: PORTAL, data, ports: [port2], ...message });
      return port1;
    },
  };
  return inside;
}

const exchanges = ({ requests }: Pick<Inside, "requests">): readonly Request[] =>
  requests.filter(({ url }) => url === "/embed/session");

describe("the page in the frame", () => {
  it("says that it is ready, with a nonce, and nothing else", () => {
    const { host, nonce } = start();
    expect(host.posted).toEqual([{ message: { holdfast: "ready", nonce }, targetOrigin: "*", ports: [] }]);
    expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(start().nonce).not.toBe(nonce);
  });

  it("exchanges the token, for the origin that gave it the port", async () => {
    const inside = start({ dashboard: "sales" }, [PORTAL, "https://around.example"]);
    inside.greet();
    expect(await inside.frame.session()).toEqual({ origin: PORTAL, dashboard: "sales", scopes: ["view"] });
    const [{ init }] = exchanges(inside) as [Request];
    expect(init).toMatchObject({ method: "POST", headers: { "content-type": "application/json" } });
    expect(JSON.parse(init.body as string)).toEqual({
      token: "a token",
      origin: PORTAL,
      frame: inside.nonce,
      dashboard: "sales",
      ancestors: [PORTAL, "https://around.example"],
    });
  });

  it.each([
    ["a window that is not around it", { source: fakeTarget() }],
    ["an opaque origin", { origin: "null" }],
    ["whoever does not know its nonce", { data: { holdfast: "port", nonce: "0".repeat(32) } }],
    ["a greeting of the wrong kind", { data: { holdfast: "ready", nonce: "0".repeat(32) } }],
    ["a greeting without a port", { ports: [] }],
  ])("takes no port from %s", async (_, message) => {
    const inside = start();
    inside.greet(message);
    await settled();
    expect(inside.said).toEqual([]);
    expect(inside.requests).toEqual([]);
  });

  it("takes one port, and no other after it", async () => {
    const inside = start();
    inside.greet();
    await inside.frame.session();
    inside.greet({ origin: "https://evil.example" });
    await settled();
    expect(exchanges(inside)).toHaveLength(1);
    expect((await inside.frame.session()).origin).toBe(PORTAL);
  });

  it("waits for the page around it, however early it is asked for data", async () => {
    const inside = start();
    const rows = inside.frame.fetch("/api/rows");
    await settled();
    expect(inside.requests).toEqual([]);
    inside.greet();
    expect((await rows).status).toBe(200);
    expect(exchanges(inside)).toHaveLength(1);
    expect(inside.errors).toEqual([]);
  });

  it("says so where there is no page around it", async () => {
    const window = fakeWindow();
    Object.assign(window, { parent: window });
    const errors: FrameError[] = [];
    const frame = connectFrame({ window, onError: (error) => errors.push(error) });
    await expect(frame.fetch("/api/rows")).rejects.toThrow("There is no page around the dashboard");
    expect(errors).toEqual([{ code: "not-framed" }]);
    frame.close();
  });

  it("sends its session with each request to its own origin, and no cookie", async () => {
    const inside = start();
    inside.greet();
    inside.reply = (url) => (url === "/embed/session" ? opened("the session") : Response.json([]));
    await inside.frame.fetch("/api/rows", { headers: { accept: "application/json" } });
    const { url, init } = inside.requests[1]!;
    expect(url).toBe("https://dashboards.example.com/api/rows");
    expect(init.credentials).toBe("omit");
    expect(Object.fromEntries(new Headers(init.headers))).toEqual({
      accept: "application/json",
      authorization: "Bearer the session",
      "embed-origin": PORTAL,
    });
  });

  it("names its cookie instead, where the session is in one", async () => {
    const inside = start();
    inside.greet();
    inside.reply = () => opened(undefined);
    await inside.frame.fetch("/api/rows");
    const { init } = inside.requests[1]!;
    expect(init.credentials).toBe("same-origin");
    expect(Object.fromEntries(new Headers(init.headers))).toEqual({
      "embed-frame": inside.nonce,
      "embed-origin": PORTAL,
    });
  });

  it.each(["https://evil.example/", "//evil.example/", "https://dashboards.example.com:8443/"])(
    "sends its session nowhere else: %s",
    async (url) => {
      const inside = start();
      inside.greet();
      await inside.frame.session();
      await expect(inside.frame.fetch(url)).rejects.toThrow("The session is for https://dashboards.example.com alone");
      expect(inside.requests).toHaveLength(1);
    },
  );

  it("tries once more, with a new session, where the one it has is not accepted", async () => {
    const inside = start();
    inside.greet();
    inside.reply = (url, count) => {
      if (url === "/embed/session") return opened(`session ${count}`);
      return new Response("", { status: count === 1 ? 401 : 200 });
    };
    expect((await inside.frame.fetch("/api/rows")).status).toBe(200);
    const bearers = inside.requests.map(({ init }) => new Headers(init.headers).get("authorization"));
    expect(bearers).toEqual([null, "Bearer session 1", null, "Bearer session 2"]);
  });

  it("gives back the second refusal", async () => {
    const inside = start();
    inside.greet();
    inside.reply = (url) => (url === "/embed/session" ? opened("s") : new Response("", { status: 401 }));
    expect((await inside.frame.fetch("/api/rows")).status).toBe(401);
    expect(exchanges(inside)).toHaveLength(2);
  });
});

describe("renewal", () => {
  it("is by the time that is left as the server tells it, wherever the browser's clock stands", async () => {
    const inside = start();
    inside.clock.setWallClock(0);
    inside.greet();
    await inside.frame.session();
    await inside.clock.advanceAsync(209_000);
    await settled();
    expect(exchanges(inside)).toHaveLength(1);
    // Set back by an hour.
    inside.clock.setWallClock(-3_600_000);
    await inside.clock.advanceAsync(1000);
    await settled();
    expect(exchanges(inside)).toHaveLength(2);
  });

  it("spreads over a tenth of the session's life", async () => {
    const inside = start({ random: () => 1 });
    inside.greet();
    await inside.frame.session();
    await inside.clock.advanceAsync(239_999);
    await settled();
    expect(exchanges(inside)).toHaveLength(1);
    await inside.clock.advanceAsync(1);
    await settled();
    expect(exchanges(inside)).toHaveLength(2);
  });

  it.each(["online", "pageshow", "visibilitychange", "resume"])(
    "is made up for on %s, after a sleep in which timers stood still",
    async (event) => {
      const inside = start();
      inside.greet();
      await inside.frame.session();
      inside.clock.setWallClock(inside.clock.now() + 3_600_000);
      inside.window.fire(event);
      await settled();
      expect(exchanges(inside)).toHaveLength(2);
    },
  );

  it("is not made early by waking", async () => {
    const inside = start();
    inside.greet();
    await inside.frame.session();
    inside.window.fire("online");
    inside.window.fire("visibilitychange");
    await settled();
    expect(exchanges(inside)).toHaveLength(1);
  });

  it("tries again, later each time, and at once when the browser is online again", async () => {
    const inside = start({ random: () => 1 });
    inside.reply = () => Promise.reject(new TypeError("offline"));
    inside.greet();
    await settled();
    for (const waitMs of [1000, 2000, 4000]) {
      const before = exchanges(inside).length;
      await inside.clock.advanceAsync(waitMs - 1);
      await settled();
      expect(exchanges(inside)).toHaveLength(before);
      await inside.clock.advanceAsync(1);
      await settled();
      expect(exchanges(inside)).toHaveLength(before + 1);
    }
    expect(inside.errors).toEqual(Array(4).fill({ code: "unavailable" }));
    inside.reply = () => opened("s");
    inside.window.fire("online");
    await settled();
    expect(await inside.frame.session()).toMatchObject({ origin: PORTAL });
  });

  it("waits at most half a minute between two tries", async () => {
    const inside = start({ random: () => 1 });
    inside.reply = () => new Response("", { status: 503 });
    inside.greet();
    await settled();
    for (let turn = 0; turn < 12; turn++) {
      await inside.clock.advanceAsync(30_000);
      await settled();
    }
    expect(exchanges(inside).length).toBeGreaterThanOrEqual(13);
    expect(inside.errors.at(-1)).toEqual({ code: "unavailable", status: 503 });
  });

  it("goes on where the page around it has no token, or does not answer in 35 seconds", async () => {
    const inside = start({ random: () => 1 });
    inside.tokens = false;
    const port = inside.greet();
    await settled();
    await inside.clock.advanceAsync(35_000);
    expect(inside.errors).toEqual([{ code: "no-token" }]);
    // An answer that comes too late is to another question.
    port.postMessage({ type: "token", ask: 1, token: "late" } satisfies HostMessage);
    await inside.clock.advanceAsync(1000);
    await settled();
    port.postMessage({ type: "token", ask: 2 } satisfies HostMessage);
    await settled();
    expect(inside.errors).toEqual([{ code: "no-token" }, { code: "no-token" }]);
    expect(inside.requests).toEqual([]);
    inside.tokens = true;
    await inside.clock.advanceAsync(2000);
    await settled();
    expect(exchanges(inside)).toHaveLength(1);
  });

  it("gives an exchange up after 15 seconds", async () => {
    const inside = start();
    inside.greet();
    await settled();
    inside.reply = () => new Promise(() => {});
    await inside.clock.advanceAsync(210_000);
    await settled();
    const { signal } = exchanges(inside)[1]!.init;
    expect(signal?.aborted).toBe(false);
    await inside.clock.advanceAsync(15_000);
    expect(signal?.aborted).toBe(true);
  });

  it("ends with the second token in a row that is refused, until the page around it asks again", async () => {
    const inside = start();
    inside.reply = () => new Response("", { status: 401 });
    const port = inside.greet();
    const waiting = inside.frame.fetch("/api/rows").catch((error: Error) => error.message);
    await settled();
    await inside.clock.advanceAsync(1000);
    expect(await waiting).toBe("No session was opened: the token was refused");
    await inside.clock.advanceAsync(3_600_000);
    await settled();
    expect(exchanges(inside)).toHaveLength(2);
    expect(inside.said.filter(({ type }) => type === "error")).toEqual(
      Array(2).fill({ type: "error", code: "refused", status: 401 }),
    );
    inside.reply = () => opened("s");
    port.postMessage({ type: "renew" } satisfies HostMessage);
    await settled();
    expect(await inside.frame.session()).toMatchObject({ origin: PORTAL });
  });

  it("leaves nothing behind when it is closed", async () => {
    const inside = start();
    inside.greet();
    await inside.frame.session();
    inside.frame.close();
    await expect(inside.frame.fetch("/api/rows")).rejects.toThrow("The dashboard was closed");
    expect(inside.clock.pendingTimers).toBe(0);
    expect(inside.window.listening).toBe(0);
    expect(inside.window.observers.size).toBe(0);
  });
});

describe("the dashboard's height", () => {
  it("is told once a frame, when it has changed", async () => {
    const inside = start();
    inside.greet();
    await inside.frame.session();
    for (const height of [400, 401.2, 401.2]) {
      inside.window.height = height;
      for (const observer of inside.window.observers) for (let turn = 0; turn < 9; turn++) observer();
      inside.window.draw();
    }
    await settled();
    expect(inside.said.filter(({ type }) => type === "size")).toEqual([
      { type: "size", height: 400 },
      { type: "size", height: 402 },
    ]);
  });
});
