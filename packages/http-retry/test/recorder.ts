// A dispatcher that sends nothing: it keeps what it was asked to send, and answers at once.

import { Dispatcher } from "undici";

export interface Recorded {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

export class Recorder extends Dispatcher {
  readonly requests: Recorded[] = [];
  readonly #answers: readonly Answer[];

  /** One answer for each request in order, of which the last is repeated. */
  constructor(...answers: readonly Answer[]) {
    super();
    this.#answers = answers;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { method, origin, path, headers, body } = options;
    this.requests.push({ method, origin: String(origin), path, headers: toRecord(headers), body });
    const answer = this.#answers[Math.min(this.requests.length, this.#answers.length) - 1] ?? {};
    queueMicrotask(() => respond(handler, answer));
    return true;
  }
}

/** Whatever shape the layer above put them in. */
function toRecord(headers: Dispatcher.DispatchOptions["headers"]): Record<string, unknown> {
  if (!headers) return {};
  if (!Array.isArray(headers))
    return Object.fromEntries(Symbol.iterator in headers ? headers : Object.entries(headers));
  const pairs = headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]] as const] : []));
  return Object.fromEntries(pairs);
}

function respond(handler: Dispatcher.DispatchHandler, { status = 200, headers = {}, body = "{}" }: Answer): void {
  let aborted: Error | null = null;
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    pause() {},
    resume() {},
    abort(reason) {
      aborted ??= reason;
    },
  };
  handler.onRequestStart?.(controller, {});
  if (!aborted) handler.onResponseStart?.(controller, status, headers, "");
  if (!aborted && body !== "") handler.onResponseData?.(controller, Buffer.from(body));
  if (aborted) handler.onResponseError?.(controller, aborted);
  else handler.onResponseEnd?.(controller, {});
}
