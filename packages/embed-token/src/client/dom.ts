// The little that is used of a browser, so that nothing else of it leaks into what runs on a server, and a test can stand in for it.

export interface WindowLike extends EventSource {
  readonly parent: MessageTarget;
  readonly location: { readonly href: string; readonly origin: string; readonly ancestorOrigins?: ArrayLike<string> };
  readonly document: DocumentLike;
  readonly ResizeObserver: new (callback: () => void) => { observe(element: object): void; disconnect(): void };
  readonly MessageChannel: new () => { readonly port1: PortLike; readonly port2: PortLike };
  requestAnimationFrame(callback: () => void): number;
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

export interface EventSource {
  addEventListener(type: string, listener: (event: never) => void): void;
  removeEventListener(type: string, listener: (event: never) => void): void;
}

export interface DocumentLike extends EventSource {
  readonly documentElement: { getBoundingClientRect(): { readonly height: number } };
  createElement(name: "iframe"): FrameElement;
}

/** Something that a message can be posted to; also a value to compare a message's source with. */
export interface MessageTarget {
  postMessage(message: unknown, targetOrigin: string, transfer?: PortLike[]): void;
}

export interface Message {
  readonly data: unknown;
  readonly origin: string;
  readonly source: unknown;
  readonly ports: readonly PortLike[];
}

export interface PortLike {
  onmessage: ((event: { readonly data: never }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What is set of an `<iframe>`. */
export interface FrameElement extends EventSource {
  src: string;
  title: string;
  allow: string;
  referrerPolicy: string;
  readonly style: { border: string; width: string; height: string };
  readonly contentWindow: MessageTarget | null;
  remove(): void;
}

/** An element that the frame is put into. */
export interface Container {
  append(frame: never): void;
}

/** This script's own window. */
export function thisWindow(): WindowLike {
  return globalThis as unknown as WindowLike;
}
