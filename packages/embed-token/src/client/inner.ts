// The half in the dashboard's own page: takes the port of the page around it, opens a session over it, and keeps it open.

import type { Clock } from "@holdfast/core";
import { type Message, type PortLike, thisWindow, type WindowLike } from "./dom.ts";
import { type FrameMessage, type HostMessage, isGreeting, newNonce } from "./protocol.ts";
import { type Attempt, createRenewal } from "./renewal.ts";
import { reportSize } from "./size.ts";
import { browserClock } from "./time.ts";

export interface FrameOptions {
  /** Where tokens are exchanged, on this page's own origin. Default `/embed/session`. */
  readonly exchange?: string | undefined;
  /** The one that this page shows; a token for another is refused. Default: whichever the token is for. */
  readonly dashboard?: string | undefined;
  /** Told of each attempt that failed. Attempts go on, unless two tokens in a row were refused. */
  readonly onError?: ((error: FrameError) => void) | undefined;
  /** Default: the browser's own. */
  readonly window?: WindowLike | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * - `not-framed`: there is no page around this one
 * - `no-token`: the page around it had none, or did not answer
 * - `refused`: the token was not accepted
 * - `unavailable`: the exchange failed or was not reached
 */
export interface FrameError {
  readonly code: "not-framed" | "no-token" | "refused" | "unavailable";
  readonly status?: number | undefined;
}

export interface FrameSession {
  /** Of the page around this one. */
  readonly origin: string;
  readonly dashboard: string;
  readonly scopes: readonly string[];
}

export interface EmbeddedFrame {
  /** The session, once one is open. Rejects when none will be. */
  session(): Promise<FrameSession>;
  /** `fetch` on this page's own origin, with the session: waits for one, and where it is not accepted tries once more with a new one. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  close(): void;
}

interface OpenSession extends FrameSession {
  /** Missing where it is in a cookie. */
  readonly bearer: string | undefined;
}

/** What the exchange answers. */
interface Opened {
  readonly session?: string;
  readonly dashboard: string;
  readonly scopes: readonly string[];
  readonly expiresIn: number;
}

const ANSWER_MS = 35_000;
const EXCHANGE_MS = 15_000;

/**
 * Connects a dashboard's page to the page around it. Call it once, as early as may be.
 *
 * @example
 * const frame = connectFrame({ dashboard: "sales" });
 * const rows = await (await frame.fetch("/api/rows")).json();
 */
export function connectFrame(options: FrameOptions = {}): EmbeddedFrame {
  const { exchange = "/embed/session", dashboard, onError } = options;
  const { window = thisWindow(), clock = browserClock, random = Math.random } = options;
  const nonce = newNonce();
  let host: { readonly port: PortLike; readonly origin: string } | undefined;
  let asks = 0;
  let answer: ((token: string | undefined) => void) | undefined;
  let stopSizing = (): void => {};

  const renewal = createRenewal<OpenSession>({ attempt, clock, random });

  function failed(error: FrameError): Attempt<OpenSession> {
    const { code, status } = error;
    if (code === "refused" || code === "unavailable") tell({ type: "error", code, status });
    onError?.(error);
    return { ok: false, isRefusal: code === "refused" };
  }

  function tell(message: FrameMessage): void {
    host?.port.postMessage(message);
  }

  /** Undefined where the page around has none, or says nothing. */
  function askForToken(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const ask = ++asks;
      const cancel = clock.schedule(() => answer?.(undefined), ANSWER_MS);
      answer = (token) => {
        cancel();
        answer = undefined;
        resolve(token);
      };
      tell({ type: "token", ask });
    });
  }

  async function attempt(): Promise<Attempt<OpenSession>> {
    const token = await askForToken();
    if (host === undefined || token === undefined) return failed({ code: "no-token" });
    const { origin } = host;
    const ending = new AbortController();
    const cancel = clock.schedule(() => ending.abort(), EXCHANGE_MS);
    try {
      const response = await window.fetch(exchange, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          token,
          origin,
          frame: nonce,
          dashboard,
          ancestors: Array.from(window.location.ancestorOrigins ?? []),
        }),
        credentials: "same-origin",
        signal: ending.signal,
      });
      const { status } = response;
      if (!response.ok) return failed({ code: status === 429 || status >= 500 ? "unavailable" : "refused", status });
      const { session: bearer, expiresIn, ...opened } = (await response.json()) as Opened;
      tell({ type: "open" });
      return { ok: true, session: { ...opened, origin, bearer }, expiresInMs: expiresIn * 1000 };
    } catch {
      return failed({ code: "unavailable" });
    } finally {
      cancel();
    }
  }

  function onMessage({ source, origin, data, ports: [port] }: Message): void {
    // The first that fits is the host. An opaque origin is nobody's.
    if (source !== window.parent || origin === "null" || !isGreeting(data, "port") || data.nonce !== nonce || !port)
      return;
    window.removeEventListener("message", onMessage);
    host = { port, origin };
    port.onmessage = ({ data: message }: { data: HostMessage }) => {
      if (message.type === "renew") renewal.renew();
      else if (message.ask === asks) answer?.(message.token);
    };
    stopSizing = reportSize(window, (height) => tell({ type: "size", height }));
    renewal.renew();
  }

  const wake = (): void => {
    if (host) renewal.wake();
  };
  const wakers = [
    [window, "online"],
    [window, "pageshow"],
    [window.document, "visibilitychange"],
    [window.document, "resume"],
  ] as const;
  for (const [target, event] of wakers) target.addEventListener(event, wake);

  if ((window.parent as unknown) === window) {
    onError?.({ code: "not-framed" });
    renewal.close("There is no page around the dashboard");
  } else {
    window.addEventListener("message", onMessage);
    // Whoever is around this page may know that it is here.
    window.parent.postMessage({ holdfast: "ready", nonce }, "*");
  }

  async function send(url: URL, init: RequestInit, session: OpenSession): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("embed-origin", session.origin);
    if (session.bearer === undefined) headers.set("embed-frame", nonce);
    else headers.set("authorization", `Bearer ${session.bearer}`);
    // Other cookies of this site, such as an administrator's own, have no part in it.
    return await window.fetch(url.href, {
      ...init,
      headers,
      credentials: session.bearer === undefined ? "same-origin" : "omit",
    });
  }

  return {
    session: async () => {
      const { origin, dashboard, scopes } = await renewal.current();
      return { origin, dashboard, scopes };
    },
    async fetch(to, init = {}) {
      const url = new URL(to, window.location.href);
      if (url.origin !== window.location.origin)
        throw new TypeError(`The session is for ${window.location.origin} alone`);
      const session = await renewal.current();
      const response = await send(url, init, session);
      if (response.status !== 401 || init.body instanceof ReadableStream) return response;
      renewal.expire(session);
      return await send(url, init, await renewal.current());
    },
    close() {
      for (const [target, event] of wakers) target.removeEventListener(event, wake);
      window.removeEventListener("message", onMessage);
      stopSizing();
      renewal.close("The dashboard was closed");
      host?.port.close();
    },
  };
}
