// When a request that is slow gets a second attempt beside the first.

import { createLatencies } from "../policy/latencies.ts";
import { isIdempotent } from "../policy/methods.ts";
import type { OriginState } from "./origins.ts";
import type { EngineCall } from "./types.ts";

/** How long the first attempt is alone; Infinity where there is to be no second one. */
export function hedgeAfterMs({ policy, options, body }: EngineCall, isKeyed: boolean, origin: OriginState): number {
  const { hedge } = policy;
  const isRepeatable = (isKeyed || isIdempotent(options.method)) && body?.isReplayable !== false;
  if (hedge === undefined || !isRepeatable) return Number.POSITIVE_INFINITY;
  if (hedge.afterMs !== undefined) return hedge.afterMs;
  origin.latencies ??= createLatencies();
  return origin.latencies.p95() ?? Number.POSITIVE_INFINITY;
}

/** Takes what a second attempt needs of the origin: a free slot, the breaker's leave, and last a token of the budget. */
export function admitHedge(
  { slots, breaker, budget }: OriginState,
  nowMs: number,
): "admitted" | "no-room" | "no-budget" {
  if (slots !== undefined && !slots.take()) return "no-room";
  if (breaker !== undefined && !breaker.allow(nowMs)) {
    slots?.give();
    return "no-room";
  }
  if (budget === undefined || budget.withdraw()) return "admitted";
  breaker?.release();
  slots?.give();
  return "no-budget";
}
