import { createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Embed, type EmbedError, type EmbedOptions, embedDashboard, type Ticket } from "../src/client/outer.ts";
import type { FrameMessage, HostMessage } from "../src/client/protocol.ts";
import { type FakeFrame, type FakeWindow, fakeTarget, fakeWindow, settled } from "./fake-window.ts";

const DASHBOARDS = "https://dashboards.example.com";
const NONCE = "0123456789abcdef0123456789abcdef";
const READY = { holdfast: "ready", nonce: NONCE };

interface Host {
  readonly embed: Embed;
  readonly window: FakeWindow;
  readonly clock: ManualClock;
  readonly frame: FakeFrame;
  readonly errors: EmbedError[];
  readonly opened: number[];
  /** How many tickets were asked for. */
  readonly asked: { count: number; signals: AbortSignal[] };
  /** Says ready, and gives the frame's end of the port. */
  greet(nonce?: string): FramePort;
}

interface FramePort {
  send(message: FrameMessage | object): void;
  received(): Promise<HostMessage>;
}

type Tickets = (call: number) => Promise<Ticket>;

const ticket = (call: number): Ticket => ({
  token: `token ${call}`,
  url: `${DASHBOARDS}/embed/sales?pass=${call}`,
  expiresIn: 60,
});

async function start(
  tickets: Tickets = async (call) => ticket(call),
  options: Partial<EmbedOptions> = {},
): Promise<Host> {
  const window = fakeWindow();
  const clock = createManualClock(1_800_000_000_000);
  const errors: EmbedError[] = [];
  const opened: number[] = [];
  const asked: Host["asked"] = { count: 0, signals: [] };
  const embed = embedDashboard({
    container: { append: () => {} },
    title: "Sales",
    getTicket({ signal }) {
      asked.signals.push(signal);
      return tickets(++asked.count);
    },
    onOpen: () => opened.push(clock.now()),
    onError: (error) => errors.push(error),
    window,
    clock,
    random: () => 1,
    ...options,
  });
  onTestFinished(() => embed.close());
  await settled();
  const frame = window.frames[0]!;
  return {
    embed,
    window,
    clock,
    frame,
    errors,
    opened,
    asked,
    greet(nonce = NONCE) {
      window.receive({ source: frame.contentWindow, origin: DASHBOARDS, data: { holdfast: "ready", nonce } });
      const port = frame.contentWindow.posted.at(-1)!.ports[0]!;
      const messages: HostMessage[] = [];
      let arrived = Promise.withResolvers<void>();
      port.onmessage = ({ data }: { readonly data: HostMessage }) => {
        messages.push(data);
        arrived.resolve();
      };
      return {
        send: (message) => port.postMessage(message),
        async received() {
          await arrived.promise;
          const message = messages.shift()!;
          if (messages.length === 0) arrived = Promise.withResolvers();
          return message;
        },
      };
    },
  };
}

describe("the page around a dashboard", () => {
  it("makes the frame, which learns no more of the page than its origin", async () => {
    const { frame } = await start();
    expect(frame).toMatchObject({
      src: `${DASHBOARDS}/embed/sales?pass=1`,
      title: "Sales",
      allow: "",
      referrerPolicy: "strict-origin",
      style: { width: "100%", height: "100px" },
    });
  });

  it("answers a frame that is ready with a port, to the frame's origin alone", async () => {
    const { frame, greet } = await start();
    greet();
    expect(frame.contentWindow.posted).toEqual([
      { message: { holdfast: "port", nonce: NONCE }, targetOrigin: DASHBOARDS, ports: [expect.anything()] },
    ]);
  });

  it.each([
    ["another window", { source: fakeTarget() }],
    ["no window", { source: null }],
    ["another origin in the frame", { origin: "https://dashboards.example.com.evil.example" }],
    ["another port", { origin: `${DASHBOARDS}:8443` }],
    ["an opaque origin", { origin: "null" }],
    ["something that is no greeting", { data: "ready" }],
    ["a greeting without a nonce", { data: { holdfast: "ready" } }],
    ["a nonce that is none", { data: { holdfast: "ready", nonce: [NONCE] } }],
    ["the answer to a greeting", { data: { holdfast: "port", nonce: NONCE } }],
    ["nothing", { data: null }],
  ])("gives no port to %s", async (_, message) => {
    const { window, frame } = await start();
    window.receive({ source: frame.contentWindow, origin: DASHBOARDS, data: READY, ...message });
    expect(frame.contentWindow.posted).toEqual([]);
  });

  it("gives a document in the frame one port, and a later document another", async () => {
    const { window, frame, greet } = await start();
    const first = greet();
    window.receive({ source: frame.contentWindow, origin: DASHBOARDS, data: READY });
    expect(frame.contentWindow.posted).toHaveLength(1);
    const second = greet("fedcba9876543210");
    first.send({ type: "token", ask: 1 });
    second.send({ type: "token", ask: 7 });
    expect(await second.received()).toEqual({ type: "token", ask: 7, token: "token 1" });
  });

  it("hands the token of its ticket over once, and asks for another each time after", async () => {
    const { greet, asked } = await start();
    const port = greet();
    port.send({ type: "token", ask: 1 });
    expect(await port.received()).toEqual({ type: "token", ask: 1, token: "token 1" });
    port.send({ type: "token", ask: 2 });
    expect(await port.received()).toEqual({ type: "token", ask: 2, token: "token 2" });
    expect(asked.count).toBe(2);
  });

  it("asks for another where the frame took too long to load", async () => {
    const { greet, clock } = await start();
    clock.setWallClock(clock.now() + 30_000);
    const port = greet();
    port.send({ type: "token", ask: 1 });
    expect(await port.received()).toEqual({ type: "token", ask: 1, token: "token 2" });
  });

  it("tells the frame and the page where there is no ticket", async () => {
    const { greet, errors } = await start(async (call) => {
      if (call > 1) throw new TypeError("offline");
      return { ...ticket(call), expiresIn: 0 };
    });
    const port = greet();
    port.send({ type: "token", ask: 1 });
    expect(await port.received()).toEqual({ type: "token", ask: 1, token: undefined });
    expect(errors).toEqual([{ code: "no-ticket", cause: new TypeError("offline") }]);
  });

  it("gives up a ticket that does not come in 30 seconds", async () => {
    const { clock, errors, asked } = await start(() => new Promise(() => {}));
    clock.advance(29_999);
    expect(asked.signals[0]?.aborted).toBe(false);
    clock.advance(1);
    await settled();
    expect(asked.signals[0]?.aborted).toBe(true);
    expect(errors).toEqual([{ code: "no-ticket", cause: new Error("getTicket did not settle") }]);
  });

  it("loads the frame again, later each time, while it does not say that it is ready", async () => {
    const { clock, errors, frame } = await start();
    for (const [waitMs, pass] of [
      [1000, 2],
      [2000, 3],
      [4000, 4],
    ] as const) {
      clock.advance(20_000);
      expect(errors.splice(0)).toEqual([{ code: "no-frame" }]);
      clock.advance(waitMs - 1);
      await settled();
      expect(frame.src).toBe(`${DASHBOARDS}/embed/sales?pass=${pass - 1}`);
      clock.advance(1);
      await settled();
      expect(frame.src).toBe(`${DASHBOARDS}/embed/sales?pass=${pass}`);
    }
  });

  it("loads the frame again where a document arrives that does not say that it is ready", async () => {
    const { clock, errors, frame, greet } = await start();
    frame.arrive();
    greet();
    clock.advance(60_000);
    expect(errors).toEqual([]);
    // The frame was reloaded when its pass was over.
    frame.arrive();
    clock.advance(5000);
    expect(errors).toEqual([{ code: "no-frame" }]);
    await clock.advanceAsync(1000);
    await settled();
    expect(frame.src).toBe(`${DASHBOARDS}/embed/sales?pass=2`);
    frame.arrive();
    greet("fedcba9876543210");
    clock.advance(60_000);
    expect(errors).toHaveLength(1);
  });

  it("loads it at once when the browser is online again", async () => {
    const { window, frame } = await start(async (call) => {
      if (call === 1) throw new TypeError("offline");
      return ticket(call);
    });
    expect(frame.src).toBe("");
    window.fire("online");
    await settled();
    expect(frame.src).toBe(`${DASHBOARDS}/embed/sales?pass=2`);
  });

  it("does not load again what is there, when the browser is online again", async () => {
    const { window, frame, greet, asked } = await start();
    greet();
    window.fire("online");
    await settled();
    expect(asked.count).toBe(1);
    expect(frame.src).toBe(`${DASHBOARDS}/embed/sales?pass=1`);
  });

  it.each([
    [250.4, "250px"],
    [1e9, "2000px"],
    [-5, "100px"],
    [Number.NaN, "150px"],
    [Number.POSITIVE_INFINITY, "150px"],
    ["900", "150px"],
    [null, "150px"],
  ])("follows a height of %s to %s", async (height, expected) => {
    const { window, frame, greet } = await start(undefined, { maxHeight: 2000 });
    const port = greet();
    port.send({ type: "size", height: 150 });
    await settled();
    window.draw();
    port.send({ type: "size", height });
    await settled();
    window.draw();
    expect(frame.style.height).toBe(expected);
  });

  it("is resized once a frame, however often it is asked", async () => {
    const { window, frame, greet } = await start();
    const port = greet();
    const heights: string[] = [];
    Object.defineProperty(frame.style, "height", { set: (height: string) => heights.push(height) });
    for (let height = 200; height < 300; height++) port.send({ type: "size", height });
    await settled();
    window.draw();
    expect(heights).toEqual(["299px"]);
  });

  it("is told what the frame is told", async () => {
    const { clock, greet, opened, errors } = await start();
    const port = greet();
    port.send({ type: "open" });
    port.send({ type: "error", code: "refused", status: 401 });
    await settled();
    expect(opened).toEqual([clock.now()]);
    expect(errors).toEqual([{ code: "refused", status: 401 }]);
  });

  it("can have the session renewed", async () => {
    const { embed, greet } = await start();
    const port = greet();
    embed.renew();
    expect(await port.received()).toEqual({ type: "renew" });
  });

  it("leaves nothing behind when it is closed", async () => {
    const { embed, window, clock, frame } = await start();
    embed.close();
    expect(clock.pendingTimers).toBe(0);
    expect(window.listening).toBe(0);
    expect(frame.isRemoved).toBe(true);
  });
});
