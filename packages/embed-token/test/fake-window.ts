// A stand-in for a browser's window, as far as the client uses one.

import type { FrameElement, Message, PortLike, WindowLike } from "../src/client/dom.ts";

export interface Posted {
  readonly message: { readonly holdfast?: unknown; readonly nonce?: unknown };
  readonly targetOrigin: string;
  readonly ports: readonly PortLike[];
}

export interface FakeWindow extends WindowLike {
  /** How many listeners are left. */
  readonly listening: number;
  readonly frames: FakeFrame[];
  readonly observers: Set<() => void>;
  height: number;
  fire(event: string): void;
  receive(message: Partial<Message>): void;
  /** Draws one frame. */
  draw(): void;
}

export interface FakeFrame extends FrameElement {
  readonly contentWindow: FakeTarget;
  isRemoved: boolean;
  /** A document has been loaded into it. */
  arrive(): void;
}

/** A window of another site: it can be posted to, and nothing else. */
export interface FakeTarget {
  readonly posted: Posted[];
  postMessage(message: object, targetOrigin: string, transfer?: PortLike[]): void;
}

export function fakeTarget(): FakeTarget {
  const posted: Posted[] = [];
  return {
    posted,
    postMessage: (message, targetOrigin, ports = []) => void posted.push({ message, targetOrigin, ports }),
  };
}

interface FakeWindowOptions {
  readonly parent?: FakeTarget;
  readonly href?: string;
  readonly ancestorOrigins?: readonly string[];
  readonly fetch?: WindowLike["fetch"];
}

export function fakeWindow(options: FakeWindowOptions = {}): FakeWindow {
  const { href = "https://dashboards.example.com/embed/sales", ancestorOrigins, parent = fakeTarget() } = options;
  const listeners = new Map<string, Set<(event: never) => void>>();
  const observers = new Set<() => void>();
  const frames: FakeFrame[] = [];
  let drawing: (() => void)[] = [];
  const events = {
    addEventListener(type: string, listener: (event: never) => void): void {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
    },
    removeEventListener(type: string, listener: (event: never) => void): void {
      listeners.get(type)?.delete(listener);
    },
  };
  const tell = (type: string, event: unknown): void => {
    for (const listener of [...(listeners.get(type) ?? [])]) listener(event as never);
  };
  const window: FakeWindow = {
    ...events,
    parent,
    location: { href, origin: new URL(href).origin, ...(ancestorOrigins && { ancestorOrigins }) },
    document: {
      ...events,
      documentElement: { getBoundingClientRect: () => ({ height: window.height }) },
      createElement() {
        const arrivals: (() => void)[] = [];
        const frame: FakeFrame = {
          src: "",
          title: "",
          allow: "",
          referrerPolicy: "",
          style: { border: "", width: "", height: "" },
          contentWindow: fakeTarget(),
          isRemoved: false,
          addEventListener: (_type, listener) => void arrivals.push(listener as () => void),
          removeEventListener: () => {},
          arrive() {
            for (const listener of arrivals) listener();
          },
          remove() {
            frame.isRemoved = true;
          },
        };
        frames.push(frame);
        return frame;
      },
    },
    ResizeObserver: class {
      readonly #callback: () => void;
      constructor(callback: () => void) {
        this.#callback = callback;
      }
      observe(): void {
        observers.add(this.#callback);
      }
      disconnect(): void {
        observers.delete(this.#callback);
      }
    },
    MessageChannel: FakeChannel,
    requestAnimationFrame: (callback) => drawing.push(callback),
    fetch: options.fetch ?? (async () => Promise.reject(new TypeError("not reached"))),
    frames,
    observers,
    height: 300,
    get listening() {
      return [...listeners.values()].reduce((sum, some) => sum + some.size, 0);
    },
    fire: (event) => tell(event, {}),
    receive: (message) => tell("message", { ports: [], data: undefined, source: null, origin: "", ...message }),
    draw() {
      const due = drawing;
      drawing = [];
      for (const callback of due) callback();
    },
  };
  return window;
}

type Receiver = ((event: { readonly data: never }) => void) | null;

/** Delivers in order, a microtask later, and nothing before somebody listens; no event loop is kept busy by it. */
export class FakeChannel {
  readonly port1: FakePort = new FakePort();
  readonly port2: FakePort = new FakePort();

  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

class FakePort implements PortLike {
  other: FakePort | undefined;
  #waiting: unknown[] = [];
  #receiver: Receiver = null;

  set onmessage(receiver: Receiver) {
    this.#receiver = receiver;
    this.#deliver();
  }

  get onmessage(): Receiver {
    return this.#receiver;
  }

  postMessage(message: unknown): void {
    this.other?.receive(structuredClone(message));
  }

  receive(message: unknown): void {
    this.#waiting.push(message);
    queueMicrotask(() => this.#deliver());
  }

  close(): void {
    if (this.other) this.other.other = undefined;
    this.other = undefined;
    this.#receiver = null;
  }

  #deliver(): void {
    if (!this.#receiver) return;
    for (const data of this.#waiting.splice(0)) this.#receiver({ data: data as never });
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
