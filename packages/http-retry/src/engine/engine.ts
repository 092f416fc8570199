// What all faces run on: it sends a request through a dispatcher as often as the policy says, and gives its sink one outcome.

import { randomUUID } from "node:crypto";
import { isIdempotent } from "../policy/methods.ts";
import type { Policy } from "../policy/policy.ts";
import { type Agenda, createAgenda } from "./agenda.ts";
import { Exchange } from "./exchange.ts";
import { createOrigins } from "./origins.ts";
import { headerOf, repeatable, withHeaders } from "./request-headers.ts";
import type { EngineCall, Sink } from "./types.ts";

export interface Engine {
  readonly policy: Policy;
  /**
   * Starts a call. Its policy may differ from the engine's in what a call may say otherwise; limits by origin are the engine's.
   * The sink may be told of the outcome before this returns.
   */
  start(call: EngineCall, sink: Sink): Exchange;
}

/** Calls of one engine share what is known of each origin: budget, breaker, slots, pace. */
export function createEngine(policy: Policy): Engine {
  const origins = createOrigins(policy);
  const agenda: Agenda = createAgenda(policy.clock);
  return {
    policy,
    start(call, sink) {
      const ready = prepared(call);
      const exchange = new Exchange(ready, sink, origins.originOf(call.options.origin), agenda, isKeyed(ready));
      exchange.start();
      return exchange;
    },
  };
}

// draft-ietf-httpapi-idempotency-key-header
const KEY = "idempotency-key";

function isKeyed({ options }: EngineCall): boolean {
  return !isIdempotent(options.method) && headerOf(options.headers, KEY) !== undefined;
}

/** With headers that can be sent again, an `Idempotency-Key` among them where the policy wants one. */
function prepared(call: EngineCall): EngineCall {
  const { options, policy } = call;
  let headers = repeatable(options.headers);
  if (policy.idempotencyKey && !isIdempotent(options.method) && headerOf(headers, KEY) === undefined) {
    headers = withHeaders(headers, { [KEY]: randomUUID() });
  }
  return headers === options.headers ? call : { ...call, options: { ...options, headers: headers ?? null } };
}
