// The policy as an undici interceptor, for undici.request, undici.fetch, and Node's own fetch.

import { type Dispatcher, Dispatcher1Wrapper, errors } from "undici";
import { type BodyInput, bodyOf } from "./body/body-of.ts";
import type { RequestBody } from "./body/request-body.ts";
import { createEngine } from "./engine/engine.ts";
import { headerOf, repeatable, withHeaders } from "./engine/request-headers.ts";
import type { PolicyOptions } from "./policy/options.ts";
import { compilePolicy } from "./policy/policy.ts";

/**
 * An interceptor that tries requests again. Compose it last, so that it is outermost: then each attempt passes through the others.
 * What is known of an origin (budget, breaker, and so on) is shared by all dispatchers that one `retry()` is composed into.
 *
 * A status that is left when no retry is stays a response, with its body. Upgrades and CONNECT pass through, tried once.
 *
 * @example
 * const agent = new Agent().compose(retry({ deadline: "20s" }));
 * const { body } = await request("https://api.example.com/users/7", { dispatcher: agent });
 * @throws HttpRetryError `INVALID_OPTION`
 */
export function retry(options: PolicyOptions = {}): Dispatcher.DispatcherComposeInterceptor {
  const policy = compilePolicy(options);
  const engine = createEngine(policy);
  return (dispatch) =>
    function retrying(request, handler) {
      if (typeof handler.onRequestStart !== "function") throw new errors.InvalidArgumentError(OLD_HANDLER);
      if (request.upgrade || request.method === "CONNECT") return dispatch(request, handler);
      const body = streamOf(request.body, policy.replayLimit);
      const options = body === undefined ? request : withoutBody(request, body);
      return engine.start({ dispatch, options, body, policy, wantsInformation: true }, handler).hasRoom;
    };
}

const OLD_HANDLER =
  "this dispatcher was handed a handler of undici 7 or older, such as Node's own fetch has; wrap the dispatcher in globalFetchDispatcher()";

/**
 * A dispatcher for Node's own `fetch`, which comes from another undici than the one that a program installs: without this, a
 * fetch through a dispatcher with interceptors never settles. The wrapped dispatcher closes the one that it was given.
 *
 * @example
 * const dispatcher = globalFetchDispatcher(new Agent().compose(retry()));
 * await fetch("https://api.example.com/users/7", { dispatcher });
 */
export function globalFetchDispatcher(dispatcher: Dispatcher): Dispatcher {
  return new Dispatcher1Wrapper(dispatcher);
}

/** undefined for what undici itself can send again: nothing, text, bytes. */
function streamOf(body: unknown, replayLimit: number): RequestBody | undefined {
  if (body == null || typeof body === "string" || body instanceof Uint8Array) return undefined;
  return bodyOf(body as BodyInput, { replayLimit });
}

/** The body comes from `body` for each attempt, and undici can't see any more what it would tell the server of it. */
function withoutBody(
  request: Dispatcher.DispatchOptions,
  { contentType, length }: RequestBody,
): Dispatcher.DispatchOptions {
  const headers = repeatable(request.headers) ?? null;
  const fields: Record<string, string> = {};
  if (contentType !== undefined && headerOf(headers, "content-type") === undefined)
    fields["content-type"] = contentType;
  if (length !== undefined && headerOf(headers, "content-length") === undefined)
    fields["content-length"] = String(length);
  return {
    ...request,
    body: null,
    headers: contentType === undefined && length === undefined ? headers : withHeaders(headers, fields),
  };
}
