// What a limiter tells: to hooks of its own, and to diagnostics channels that anyone in the process may listen to.

import { channel } from "node:diagnostics_channel";
import type { Decision } from "./decision.ts";
import type { StoreEvent } from "./store-failure.ts";

export interface DecisionEvent {
  readonly limiter: string;
  /** In a dry run the one that would have been; the call passed all the same. */
  readonly outcome: Decision["outcome"];
  readonly allowed: boolean;
  readonly dryRun: boolean;
  readonly cost: number;
  /** What it took, the store's answer included. */
  readonly durationMs: number;
  /** Only where the limiter's `keysInEvents` is set: a key may be personal data, and there are many. */
  readonly key?: string;
}

export interface LimiterHooks {
  readonly decision?: ((event: DecisionEvent) => void) | undefined;
  readonly store?: ((event: StoreEvent) => void) | undefined;
}

/** `node:diagnostics_channel`s of this package. With no subscriber, an event is not even made. */
export const DECISION_CHANNEL = "holdfast:rate-limiter:decision";
export const STORE_CHANNEL = "holdfast:rate-limiter:store";

const decisions: ReturnType<typeof channel> = channel(DECISION_CHANNEL);
const stores: ReturnType<typeof channel> = channel(STORE_CHANNEL);

export function tellStore(hooks: LimiterHooks, event: StoreEvent): void {
  hooks.store?.(event);
  stores.publish(event);
}

export function tellDecision(hooks: LimiterHooks, event: DecisionEvent): void {
  hooks.decision?.(event);
  decisions.publish(event);
}

export function wantsDecisions(hooks: LimiterHooks): boolean {
  return hooks.decision !== undefined || decisions.hasSubscribers;
}
