// The half in the page around a dashboard: makes the frame, gives it a port after a handshake, and tokens over the port.

import type { Clock } from "@holdfast/core";
import { type Container, type FrameElement, type Message, type PortLike, thisWindow, type WindowLike } from "./dom.ts";
import { type FrameMessage, type HostMessage, isGreeting } from "./protocol.ts";
import { backoffMs, browserClock, stopwatch } from "./time.ts";

/** What the service's endpoint answered to the backend of this page. */
export interface Ticket {
  readonly token: string;
  /** The dashboard's page. */
  readonly url: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface EmbedOptions {
  readonly container: Container;
  /** Asks this page's own backend for a token, at first and at each renewal. What does not settle within 30 seconds has failed. */
  readonly getTicket: (call: { readonly signal: AbortSignal }) => Promise<Ticket>;
  /** Of the frame, for those who don't see it. */
  readonly title: string;
  /** What the dashboard may use, as in `<iframe allow>`: `"fullscreen; clipboard-write"`. Default: nothing. */
  readonly allow?: string | undefined;
  /** Pixels, between which the frame follows its content. Default 100 to 10,000. */
  readonly minHeight?: number | undefined;
  readonly maxHeight?: number | undefined;
  /** Told each time that a session is open, the renewed ones included. */
  readonly onOpen?: (() => void) | undefined;
  /** Told of each attempt that failed. Attempts go on, unless two tokens in a row were refused. */
  readonly onError?: ((error: EmbedError) => void) | undefined;
  /** Default: the browser's own. */
  readonly window?: WindowLike | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * - `no-ticket`: `getTicket` failed or did not settle
 * - `no-frame`: the page in the frame did not say that it is ready: not reached, or its headers forbid this page to frame it
 * - `refused`: the token was not accepted
 * - `unavailable`: the service failed
 */
export interface EmbedError {
  readonly code: "no-ticket" | "no-frame" | "refused" | "unavailable";
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

export interface Embed {
  /** Has a new session opened now, after `refused` above all. */
  renew(): void;
  /** Takes the frame away. */
  close(): void;
}

const TICKET_MS = 30_000;
/** For a document to arrive, and for its script to run then. */
const ARRIVE_MS = 20_000;
const READY_MS = 5000;

/**
 * Puts a dashboard into an element.
 *
 * @example
 * embedDashboard({ container, title: "Sales", getTicket: async ({ signal }) => (await fetch("/my/ticket", { method: "POST", signal })).json() });
 */
export function embedDashboard(options: EmbedOptions): Embed {
  const { container, getTicket, title, allow = "", minHeight = 100, maxHeight = 10_000, onOpen, onError } = options;
  const { window = thisWindow(), clock = browserClock, random = Math.random } = options;
  const frame: FrameElement = window.document.createElement("iframe");
  let frameOrigin = "";
  let port: PortLike | undefined;
  let nonce: string | undefined;
  let fresh: { readonly token: string; isFresh(): boolean } | undefined;
  let failures = 0;
  let loads = 0;
  let cancel = (): void => {};
  let cancelCheck = (): void => {};
  /** The nonce of the document that was there when one arrived the last time. */
  let earlier: string | undefined;
  let height = minHeight;
  let isThere = false;
  let isResizing = false;
  let isClosed = false;

  async function ticket(): Promise<Ticket> {
    const ending = new AbortController();
    let stop = (): void => {};
    const late = new Promise<never>((_, reject) => {
      stop = clock.schedule(() => {
        ending.abort();
        reject(new Error("getTicket did not settle"));
      }, TICKET_MS);
    });
    try {
      return await Promise.race([getTicket({ signal: ending.signal }), late]);
    } finally {
      stop();
    }
  }

  /** Loads the frame, and again where it does not say that it is ready. */
  async function load(): Promise<void> {
    cancel();
    const turn = ++loads;
    try {
      const { token, url, expiresIn } = await ticket();
      if (isClosed || turn !== loads) return;
      const age = stopwatch(clock);
      fresh = { token, isFresh: () => age() < expiresIn * 500 };
      frameOrigin = new URL(url).origin;
      frame.src = url;
      if (!isThere) container.append(frame as never);
      isThere = true;
      cancel = clock.schedule(() => notLoaded({ code: "no-frame" }), ARRIVE_MS);
    } catch (cause) {
      if (!isClosed && turn === loads) notLoaded({ code: "no-ticket", cause });
    }
  }

  /** A document has arrived: ours, an error page of the browser, or ours again but refused, since its pass was over. */
  function onArrival(): void {
    cancelCheck();
    cancelCheck = clock.schedule(() => {
      if (nonce === earlier) notLoaded({ code: "no-frame" });
      earlier = nonce;
    }, READY_MS);
  }

  function notLoaded(error: EmbedError): void {
    cancel();
    onError?.(error);
    cancel = clock.schedule(() => void load(), backoffMs(++failures, random));
  }

  async function answer(to: PortLike, ask: number): Promise<void> {
    let token = fresh?.isFresh() ? fresh.token : undefined;
    fresh = undefined;
    try {
      token ??= (await ticket()).token;
    } catch (cause) {
      if (!isClosed) onError?.({ code: "no-ticket", cause });
    }
    send(to, { type: "token", ask, token });
  }

  function onMessage({ source, origin, data }: Message): void {
    if (source !== frame.contentWindow || source === null || origin !== frameOrigin) return;
    // One port for each document in the frame: a second hello of the same is not answered.
    if (!isGreeting(data, "ready") || data.nonce === nonce) return;
    nonce = data.nonce;
    failures = 0;
    cancel();
    port?.close();
    const channel = new window.MessageChannel();
    port = channel.port1;
    const own = channel.port1;
    own.onmessage = ({ data: message }: { data: FrameMessage }) => onFrameMessage(own, message);
    frame.contentWindow?.postMessage({ holdfast: "port", nonce }, frameOrigin, [channel.port2]);
  }

  function onFrameMessage(from: PortLike, message: FrameMessage): void {
    if (message.type === "token") void answer(from, message.ask);
    else if (message.type === "open") onOpen?.();
    else if (message.type === "error") onError?.({ code: message.code, status: message.status });
    else resize(message.height);
  }

  function resize(wanted: unknown): void {
    if (typeof wanted !== "number" || !Number.isFinite(wanted)) return;
    height = Math.min(maxHeight, Math.max(minHeight, Math.round(wanted)));
    if (isResizing) return;
    isResizing = true;
    window.requestAnimationFrame(() => {
      isResizing = false;
      frame.style.height = `${height}px`;
    });
  }

  const send = (to: PortLike | undefined, message: HostMessage): void => to?.postMessage(message);
  const onOnline = (): void => {
    if (failures > 0) void load();
  };

  frame.title = title;
  frame.allow = allow;
  // The host's origin and no more: of the page's URL the dashboard has no need.
  frame.referrerPolicy = "strict-origin";
  frame.style.border = "0";
  frame.style.width = "100%";
  frame.style.height = `${height}px`;
  window.addEventListener("message", onMessage);
  window.addEventListener("online", onOnline);
  frame.addEventListener("load", onArrival);
  void load();

  return {
    renew: () => send(port, { type: "renew" }),
    close() {
      isClosed = true;
      cancel();
      cancelCheck();
      window.removeEventListener("message", onMessage);
      window.removeEventListener("online", onOnline);
      port?.close();
      frame.remove();
    },
  };
}
