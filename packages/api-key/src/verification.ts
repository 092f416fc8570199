// What a check of a key is given and what it answers.

import type { RefusalReason, RequestFacts } from "./events.ts";
import type { KeyInfo } from "./key-info.ts";
import type { StoreCall } from "./key-store.ts";

export type Verification = Accepted | Refusal;

export interface Accepted {
  readonly ok: true;
  readonly key: KeyInfo;
}

/** For logs and metrics. The caller of an API is told no more than that its key is not accepted, or what a good one lacks. */
export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** Where the text named one, whether it exists or not. */
  readonly keyId?: string | undefined;
  /** `throttled`: when to come again. */
  readonly retryAfterMs?: number | undefined;
}

/** What a key is to be good for. */
export interface Ask {
  /** `resource:action`, without wildcards. Default: being a good key is enough. */
  readonly scope?: string | undefined;
  /** By kind, the value that is wanted: `{ dataset: "sales" }`. A key that is not confined in a kind passes. */
  readonly limits?: Readonly<Record<string, string>> | undefined;
  /** For events, and the address for counting failures. */
  readonly facts?: RequestFacts | undefined;
}

export interface VerifyCall extends Ask, StoreCall {}
