// What a limiter tells: to hooks of its own, and to diagnostics channels that anyone in the process may listen to.

import { channel } from "node:diagnostics_channel";
import { createEvents, type Events, type Hooks } from "@holdfast/core/events";
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

/** By name, what each hook and each channel tells. */
export interface LimiterEvents {
  readonly decision: DecisionEvent;
  readonly store: StoreEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. */
export type LimiterHooks = Hooks<LimiterEvents>;

/** `node:diagnostics_channel`s of this package, one for each hook. With no subscriber, an event is not even made. */
export const CHANNELS = {
  decision: "holdfast:rate-limiter:decision",
  store: "holdfast:rate-limiter:store",
} as const;

/** Told to the hook, then to the channel. */
export const events: Events<LimiterEvents> = createEvents<LimiterEvents>(CHANNELS);

const decisions: ReturnType<typeof channel> = channel(CHANNELS.decision);

/** As `events.wants`, which looks names up: asked at each call, it would take a tenth of it. */
export function wantsDecisions(hooks: LimiterHooks): boolean {
  return hooks.decision !== undefined || decisions.hasSubscribers;
}
