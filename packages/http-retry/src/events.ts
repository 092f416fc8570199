// What calls tell: to hooks of their own, and to diagnostics channels that anyone in the process may listen to.

import { createEvents, type Events, type Hooks } from "@holdfast/core/events";
import type { GiveUpReason } from "./outcome.ts";

/** What an event says of its request. Neither query nor headers nor body, where secrets are. */
export interface RequestFacts {
  readonly method: string;
  readonly origin: string;
  /** Without its query. */
  readonly path: string;
}

/** OpenTelemetry's attributes of an attempt's client span, by the HTTP semantic conventions. */
export interface AttemptAttributes {
  readonly "http.request.method": string;
  readonly "server.address": string;
  readonly "server.port": number;
  readonly "url.scheme": string;
  /** Absent where there was no response. */
  readonly "http.response.status_code"?: number;
  /** The ordinal of a resend; absent on the first attempt. */
  readonly "http.request.resend_count"?: number;
  /** A status of 400 or above as text, or the error's code; absent on success. */
  readonly "error.type"?: string;
}

/** An attempt is over: its response has ended, was put aside for another attempt, or never came. */
export interface AttemptEvent {
  readonly request: RequestFacts;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly status?: number;
  readonly error?: unknown;
  /** Whether it was the second of a pair. */
  readonly isHedge: boolean;
  readonly attributes: AttemptAttributes;
}

/** Another attempt follows after `delay` milliseconds. */
export interface RetryEvent {
  readonly request: RequestFacts;
  /** The attempt that failed, 1 for the first. */
  readonly attempt: number;
  readonly delay: number;
  /** A status as text, or an error's code: `"503"`, `"ECONNRESET"`. */
  readonly reason: string;
  /** Whose word the delay is: the server's field, or our own. */
  readonly delayFrom: "backoff" | "retry-after" | "ratelimit" | "ratelimit-reset" | "x-ratelimit-reset";
  readonly response?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  };
  readonly error?: unknown;
}

/** No attempt follows, though the last one failed. */
export interface GiveUpEvent {
  readonly request: RequestFacts;
  readonly attempts: number;
  readonly why: GiveUpReason;
  readonly reason: string;
  /** When the server may be asked again, in milliseconds since the epoch, where it said so. */
  readonly until?: number;
}

export interface BreakerEvent {
  readonly origin: string;
  readonly state: "closed" | "open" | "half-open";
}

/** A retry or a hedge was not made, since too many of the origin's requests are such already. */
export interface BudgetEvent {
  readonly origin: string;
  readonly request: RequestFacts;
}

/** By name, what each hook and each channel tells. */
export interface HttpEvents {
  readonly attempt: AttemptEvent;
  readonly retry: RetryEvent;
  readonly giveUp: GiveUpEvent;
  readonly breaker: BreakerEvent;
  readonly budget: BudgetEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. */
export type HttpHooks = Hooks<HttpEvents>;

/** `node:diagnostics_channel`s of this package, one for each hook. With no subscriber, an event is not even made. */
export const CHANNELS = {
  attempt: "holdfast:http-retry:attempt",
  retry: "holdfast:http-retry:retry",
  giveUp: "holdfast:http-retry:give-up",
  breaker: "holdfast:http-retry:breaker",
  budget: "holdfast:http-retry:budget",
} as const;

const events: Events<HttpEvents> = createEvents<HttpEvents>(CHANNELS);
export const wants: Events<HttpEvents>["wants"] = events.wants;
export const tell: Events<HttpEvents>["tell"] = events.tell;
