// What the user holds: tokens issued, checked and revoked, under a ring of keys.

import type { Clock, Duration, Logger, Secret, StandardSchemaV1 } from "@holdfast/core";
import type { Filters } from "./claims.ts";
import type { RefusalReason, RequestFacts, TokenHooks } from "./events.ts";
import type { EmbedKey } from "./keys.ts";
import type { MarkStore, RevocationStore, StoreCall } from "./token-store.ts";
import type { Refusal, Verification, VerifyCall } from "./verification.ts";

export interface EmbedTokensOptions<Input = Filters, Output = Input> {
  /** The first signs, all verify. Rotation: add the new one behind, everywhere; put it first; drop the old one `maxLifetime` later. */
  readonly keys: readonly EmbedKey[];
  /** Derives a key for each tenant from these (HKDF-SHA-256), so that what goes wrong in one tenant's is no other's. Default false. */
  readonly keyPerTenant?: boolean | undefined;
  /** Who signs: `"https://app.example.com"`. The verifier's must be the same. */
  readonly issuer: string;
  /** Which service the tokens are for. The verifier's must be the same. */
  readonly audience: string;
  /** Types and checks `filters`: of zod, or of any library that speaks Standard Schema. Default: scalars and lists of them. */
  readonly schema?: StandardSchemaV1<Input, Output> | undefined;
  /** Of a token that is issued without its own; whole seconds. Default 60 seconds. */
  readonly lifetime?: Duration | undefined;
  /** Longer ones are neither issued nor accepted, whoever signed them; whole seconds up to one hour. Default 10 minutes. */
  readonly maxLifetime?: Duration | undefined;
  /** By how much the clocks of issuer and verifier may differ; up to one minute. Default 5 seconds. */
  readonly tolerance?: Duration | undefined;
  /** Makes each token good for one `verify` that accepts it. Default: for any number. */
  readonly once?: MarkStore | undefined;
  /** Default: nothing can be revoked. */
  readonly revocations?: RevocationStore | undefined;
  /** How long a store is waited for; then the token is refused. Default 2 seconds. */
  readonly storeDeadline?: Duration | undefined;
  readonly on?: TokenHooks | undefined;
  readonly logger?: Logger | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's own randomBytes. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

/** What a token is to grant. */
export interface NewGrant<Input = Filters> {
  /** Who looks at the dashboard: an id of yours, 1 to 256 characters. */
  readonly subject: string;
  readonly dashboard: string;
  /** Pages that may show it: 1 to 32 origins as browsers write them, or `https://*.example.com` for any one label. */
  readonly origins: readonly string[];
  /** `[A-Za-z0-9_.:@-]`, 1 to 128 characters. Needed where each tenant has its own key. */
  readonly tenant?: string | undefined;
  /** Default none. */
  readonly scopes?: readonly string[] | undefined;
  /** What the viewer's rows are confined to. Anybody can read it in the token. Default `{}`. */
  readonly filters?: Input | undefined;
  /** Default: the option's. */
  readonly lifetime?: Duration | undefined;
  /** For events. */
  readonly facts?: RequestFacts | undefined;
}

export interface IssuedToken {
  readonly token: Secret;
  /** By which it can be revoked. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** What a browser, whose clock may be wrong, should go by. */
  readonly expiresInMs: number;
}

/** What to revoke: one token by its id, or all that were issued so far of a subject or a dashboard, or a key for good. */
export type RevocationTarget =
  | { readonly token: string }
  | { readonly subject: string }
  | { readonly dashboard: string }
  | { readonly key: string };

export interface RevokeCall extends StoreCall {
  /** For events. */
  readonly facts?: RequestFacts | undefined;
}

export interface EmbedTokens<Input = Filters, Output = Input> {
  readonly maxLifetimeMs: number;
  readonly toleranceMs: number;
  readonly clock: Clock;
  /** @throws EmbedTokenError `INVALID_GRANT`; HoldfastError `INVALID_DURATION` */
  issue(grant: NewGrant<Input>): Promise<IssuedToken>;
  /** Every outcome is a value, a store that does not answer included. Rejects with the reason of an aborted signal, and with what the schema throws. */
  verify(token: string | null | undefined, call: VerifyCall): Promise<Verification<Output>>;
  /** A refusal that a face found by itself, told to hooks and channels. */
  refuse(reason: RefusalReason, facts?: RequestFacts): Refusal;
  /**
   * Ends tokens before their time. Of a subject or a dashboard all that were issued so far, and those of the next `tolerance`, since
   * clocks differ; later ones are good again. A key is revoked for good: whoever has it could write any date.
   * @throws EmbedTokenError `INVALID_OPTION`: no `revocations`, or no such target; `STORE_UNAVAILABLE`: call again
   */
  revoke(target: RevocationTarget, call?: RevokeCall): Promise<void>;
}
