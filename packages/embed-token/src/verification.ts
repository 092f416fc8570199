// What a check of a token is given and what it answers.

import type { EmbedGrant } from "./claims.ts";
import type { RefusalReason, RequestFacts } from "./events.ts";
import type { StoreCall } from "./token-store.ts";

export type Verification<Filters> = Accepted<Filters> | Refusal;

export interface Accepted<Filters> {
  readonly ok: true;
  readonly grant: EmbedGrant<Filters>;
}

export interface Refusal {
  readonly ok: false;
  /** For logs and metrics, and for nobody outside. */
  readonly reason: RefusalReason;
  readonly answer: PublicAnswer;
}

/**
 * All that whoever shows a token is told: `invalid_token` (401; the name is RFC 6750's) whatever is wrong with it, or
 * `temporarily_unavailable` (503) where a good one could not be looked up.
 */
export type PublicAnswer = "invalid_token" | "temporarily_unavailable";

export interface VerifyCall extends StoreCall {
  /**
   * Of the page that wants to show the dashboard, as the browser told it (`event.origin`, `Origin`). One that is missing is refused as
   * `null` is. `false`: no check here, for the service that checked it before.
   */
  readonly origin: string | null | undefined | false;
  /** All pages around the dashboard's, where the browser tells: each must be one that the token names. Default: none told of. */
  readonly ancestors?: readonly string[] | undefined;
  /** The one that is asked for. Default: any. */
  readonly dashboard?: string | undefined;
  /** The one whose data is asked for. Default: any. */
  readonly tenant?: string | undefined;
  /** One that the token must have. Default: none. */
  readonly scope?: string | undefined;
  /** For events. */
  readonly facts?: RequestFacts | undefined;
}

const REFUSALS = new Map<RefusalReason, Refusal>();

export function refusal(reason: RefusalReason): Refusal {
  let made = REFUSALS.get(reason);
  if (!made) {
    const answer = reason === "unavailable" ? "temporarily_unavailable" : "invalid_token";
    made = Object.freeze({ ok: false, reason, answer } as const);
    REFUSALS.set(reason, made);
  }
  return made;
}
