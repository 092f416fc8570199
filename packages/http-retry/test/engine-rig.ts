// An engine on a clock that a test moves, above a dispatch that a test answers by hand, below a sink that keeps what it was told.

import { createManualClock, type ManualClock } from "@holdfast/core";
import { type Dispatcher, errors } from "undici";
import { createEngine } from "../src/engine/engine.ts";
import type { CallController, EngineCall, Sink } from "../src/engine/types.ts";
import { compilePolicy, type PolicyOptions } from "../src/policy/policy.ts";

type Handler = Dispatcher.DispatchHandler;
type Headers = Record<string, string | string[]>;

/** One request as it came to the layer below. It does what undici's own connection does, when the test says so. */
export class Wire {
  readonly options: Dispatcher.DispatchOptions;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  rawHeaders: string[] | null = null;
  rawTrailers: string[] | null = null;
  /** What the handler threw when it was given the connection. */
  refused: unknown;
  readonly #handler: Handler;
  #isOver = false;

  constructor(options: Dispatcher.DispatchOptions, handler: Handler) {
    this.options = options;
    this.#handler = handler;
  }

  /** Whether it came to an end of its own. */
  get handled(): boolean {
    return this.#isOver;
  }

  get headers(): Dispatcher.DispatchOptions["headers"] {
    return this.options.headers;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.fail(reason);
  }

  /** It is on a connection, and its first bytes are written, unless the handler throws. */
  connect(context: unknown = null): this {
    try {
      this.#handler.onRequestStart?.(this, context);
    } catch (error) {
      this.refused = error;
      this.fail(error as Error);
    }
    return this;
  }

  inform(status: number, headers: Headers = {}): this {
    this.#handler.onResponseStart?.(this, status, headers, "");
    return this;
  }

  /** `raw` as on the wire, where a layer below has changed them. */
  head(status: number, headers: Headers = {}, raw: Headers = headers): this {
    this.rawHeaders = Object.entries(raw).flat(2);
    this.#handler.onResponseStart?.(this, status, headers, "");
    return this;
  }

  data(text: string | Buffer): this {
    this.#handler.onResponseData?.(this, Buffer.from(text));
    return this;
  }

  end(trailers: Headers = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseEnd?.(this, trailers);
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError?.(this, error);
  }

  /** All of a response at once. */
  answer(status: number, headers: Headers = {}, body = ""): void {
    this.connect().head(status, headers);
    if (body !== "" && !this.aborted) this.data(body);
    this.end();
  }
}

/** What the sink of a call was told, in order. */
export class Told implements Sink {
  readonly events: string[] = [];
  body = "";
  error: unknown;
  headers: Headers = {};
  controller: CallController | undefined;
  restart?: () => void;

  constructor(canRestart = false) {
    if (!canRestart) return;
    this.restart = () => {
      this.body = "";
      this.events.push("restart");
    };
  }

  get last(): string | undefined {
    return this.events.at(-1);
  }

  onRequestStart(controller: CallController): void {
    this.controller = controller;
    this.events.push("start");
  }

  onResponseStart(_controller: CallController, status: number, headers: Headers): void {
    this.headers = headers;
    this.events.push(String(status));
  }

  onResponseData(_controller: CallController, chunk: Buffer): void {
    this.body += chunk.toString();
  }

  onResponseEnd(): void {
    this.events.push("end");
  }

  onResponseError(_controller: CallController, error: unknown): void {
    this.error = error;
    this.events.push("error");
  }
}

export interface Rig {
  readonly clock: ManualClock;
  /** Every request that came to the layer below, in order. */
  readonly wires: readonly Wire[];
  readonly last: Wire;
  /** The delays that were waited, of which `onRetry` was told. */
  readonly delays: readonly number[];
  dispatch(options: Dispatcher.DispatchOptions, handler: Handler): boolean;
  call(call?: Partial<EngineCall> & Partial<Omit<Dispatcher.DispatchOptions, "body">>, sink?: Told): Told;
}

/** Waits are whole: no jitter, 100 ms and doubled each time. */
export function rig(options: PolicyOptions = {}): Rig {
  const clock = createManualClock(Date.UTC(2030, 0, 1));
  const wires: Wire[] = [];
  const delays: number[] = [];
  const policy = compilePolicy({
    clock,
    random: () => 0,
    jitter: "none",
    baseDelay: 100,
    budget: false,
    ...options,
    onRetry(event) {
      delays.push(event.delay);
      options.onRetry?.(event);
    },
  });
  const engine = createEngine(policy);
  const dispatch = (wireOptions: Dispatcher.DispatchOptions, handler: Handler): boolean => {
    wires.push(new Wire(wireOptions, handler));
    return true;
  };
  return {
    clock,
    wires,
    delays,
    dispatch,
    get last() {
      return wires.at(-1) as Wire;
    },
    call(
      { method = "GET", path = "/a?key=secret", headers = null, origin = "http://server.test", ...call } = {},
      told = new Told(),
    ) {
      engine.start(
        {
          dispatch,
          options: { origin, path, method, headers },
          policy,
          ...call,
          body: call.body,
        },
        told,
      );
      return told;
    },
  };
}

export const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
export const refused = (): Error => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
export const cut = (): Error => new errors.SocketError("other side closed");
