// The client as a fetch: undici's own, with a dispatcher for each call that sends every hop of it through the engine.

import { type Dispatcher, fetch, type Request as UndiciRequest, type RequestInit as UndiciRequestInit } from "undici";
import { type BodyInput, bodyOf } from "../body/body-of.ts";
import { heldBody } from "../body/held-body.ts";
import type { RequestBody } from "../body/request-body.ts";
import type { Policy } from "../policy/policy.ts";
import type { Room } from "./hops.ts";
import { withSafeHeadersOnly } from "./safe-headers.ts";

/** Takes what Node's own fetch takes, and undici's `Request` and `dispatcher` too. The response is of undici's class. */
export type FetchLike = (
  input: string | URL | Request | UndiciRequest,
  init?: RequestInit | UndiciRequestInit,
) => Promise<Response>;

/**
 * Makes a fetch. As ever, it resolves to a `Response` whatever its status, and rejects with the signal's reason or with a
 * `TypeError`, whose `cause` is an `HttpRetryError`. Bodies of every kind are sent again, streams as far as `replayLimit`
 * goes; what redirects to another origin may take along is a list of names that are known to be safe.
 */
export function createFetch(room: Room, policy: Policy): FetchLike {
  const send = (input: string | URL, init: Init | undefined, body: RequestBody | undefined): Promise<Response> => {
    const dispatcher = new FetchHops(room, policy, init?.dispatcher, body);
    // The body is no business of fetch's own, which would make a stream of it that can be read only once.
    const own = { ...init, body: null, dispatcher: dispatcher as unknown as Dispatcher };
    return fetch(input, own) as Promise<unknown> as Promise<Response>;
  };
  const sendWithBody = async (input: string | URL, init: Init, given: BodyInput): Promise<Response> => {
    const body = heldBody(replayable(given, policy));
    try {
      if (isGetOrHead(init.method)) throw new TypeError("A request with method GET or HEAD can't have a body");
      const response = await send(input, init, body);
      body.release();
      return response;
    } catch (error) {
      body.release(error);
      throw error;
    }
  };
  return (input, init) => {
    const request = typeof input === "string" || input instanceof URL ? undefined : input;
    const url = request ? request.url : (input as string | URL);
    const own = (request ? { ...initOf(request), ...init } : init) as Init | undefined;
    const body = init?.body ?? request?.body;
    return own && body != null ? sendWithBody(url, own, body as BodyInput) : send(url, own, undefined);
  };
}

type Init = UndiciRequestInit;

/** Stands in the place of a dispatcher for one call; fetch asks it once for each redirect. */
class FetchHops implements Pick<Dispatcher, "dispatch"> {
  readonly #room: Room;
  readonly #policy: Policy;
  readonly #dispatcher: Dispatcher | undefined;
  readonly #body: RequestBody | undefined;
  readonly #deadlineAt: number | undefined;
  #method: string | undefined;
  #origin: string | undefined;
  #hasCrossed = false;

  constructor(room: Room, policy: Policy, dispatcher: Dispatcher | undefined, body: RequestBody | undefined) {
    this.#room = room;
    this.#policy = policy;
    this.#dispatcher = dispatcher;
    this.#body = body;
    this.#deadlineAt = policy.deadlineMs > 0 ? policy.clock.monotonic() + policy.deadlineMs : undefined;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { path, method } = options;
    // Which fetch always gives.
    const origin = options.origin as string;
    this.#method ??= method;
    this.#origin ??= origin;
    // For good: what was left out for one origin does not come back for the next.
    this.#hasCrossed ||= origin !== this.#origin;
    // By the Fetch standard, a redirect that drops the body also changes the method.
    const body = method === this.#method ? this.#body : undefined;
    let headers = options.headers as Record<string, string>;
    if (this.#hasCrossed) headers = withSafeHeadersOnly(headers);
    if (body) headers = withBodyFields(headers, body);
    this.#room.engine.start(
      {
        dispatch: this.#dispatcher ? this.#dispatcher.dispatch.bind(this.#dispatcher) : this.#room.dispatch,
        options: { origin, path, method, headers },
        body,
        policy: this.#policy,
        deadlineAt: this.#deadlineAt,
      },
      handler,
    );
    return true;
  }
}

/** @throws TypeError as fetch does, for a body that can't be sent */
function replayable(input: BodyInput, { replayLimit }: Policy): RequestBody {
  try {
    return bodyOf(copied(input), { replayLimit });
  } catch (error) {
    throw new TypeError((error as Error).message, { cause: error });
  }
}

/** The Fetch standard takes bytes as they are at the time of the call. */
function copied(input: BodyInput): BodyInput {
  if (input instanceof ArrayBuffer) return input.slice();
  if (!ArrayBuffer.isView(input)) return input;
  return new Uint8Array(new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
}

/** What fetch, which was told of no body, left out or said otherwise. */
function withBodyFields(headers: Readonly<Record<string, string>>, body: RequestBody): Record<string, string> {
  const fields: Record<string, string> = {};
  let hasType = false;
  for (const [name, value] of Object.entries(headers)) {
    const lowerCase = name.toLowerCase();
    if (lowerCase === "content-type") hasType = true;
    const isFetchsOwn = lowerCase === "content-length" && (body.length !== undefined || value === "0");
    if (!isFetchsOwn) fields[name] = value;
  }
  if (body.length !== undefined) fields["content-length"] = String(body.length);
  if (!hasType && body.contentType !== undefined) fields["content-type"] = body.contentType;
  return fields;
}

function isGetOrHead(method = "GET"): boolean {
  return /^(?:get|head)$/i.test(method);
}

/** A `Request` of whichever class as what it was made of: fetch takes only those of its own, and those not without their body. */
function initOf(request: Request | UndiciRequest): object {
  const {
    method,
    headers,
    signal,
    redirect,
    referrer,
    referrerPolicy,
    mode,
    credentials,
    cache,
    integrity,
    keepalive,
  } = request;
  return {
    method,
    headers,
    signal,
    redirect,
    referrer,
    referrerPolicy,
    mode,
    credentials,
    cache,
    integrity,
    keepalive,
  };
}
