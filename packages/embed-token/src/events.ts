// What happens to tokens, told to hooks and to diagnostics channels: the audit trail. Never a token, never a part of one.

import { createEvents, type Events, type Hooks } from "@holdfast/core/events";

/** Who and where, as far as the face knows. */
export interface RequestFacts {
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly method?: string | undefined;
  /** Without its query. */
  readonly path?: string | undefined;
}

/** What was signed: a token; the pass of its page; a session that came of it. Without an embedding there are tokens alone. */
export type TokenKind = "token" | "pass" | "session";

/**
 * Why a token was refused. Whoever shows it is not told.
 * - `missing`: none was given
 * - `malformed`: no text that a token can be
 * - `wrong-header`: another algorithm or type, a member that there is no use for, or one twice
 * - `unknown-key`, `wrong-signature`
 * - `malformed-claims`: a claim is missing, twice, of another type, out of range, or unknown
 * - `wrong-issuer`, `wrong-audience`, `not-yet-valid`, `expired`
 * - `too-long-lived`: the key signed a longer life than the verifier allows
 * - `wrong-filters`: the schema refuses them
 * - `wrong-origin`: another page than those that the token names
 * - `wrong-dashboard`, `wrong-tenant`, `missing-scope`: good, but not for what was asked
 * - `revoked`: itself, or its subject, dashboard or key
 * - `used`: a one-time token, for the second time
 * - `unavailable`: a store that must be asked did not answer
 * - `in-url`: it stood in a URL, which ends up in logs
 * - `wrong-request`: what the browser says of the request fits no embedded page
 * - `too-large`: a session that no browser would keep as a cookie
 */
export type RefusalReason =
  | "missing"
  | "malformed"
  | "wrong-header"
  | "unknown-key"
  | "wrong-signature"
  | "malformed-claims"
  | "wrong-issuer"
  | "wrong-audience"
  | "not-yet-valid"
  | "expired"
  | "too-long-lived"
  | "wrong-filters"
  | "wrong-origin"
  | "wrong-dashboard"
  | "wrong-tenant"
  | "missing-scope"
  | "revoked"
  | "used"
  | "unavailable"
  | "in-url"
  | "wrong-request"
  | "too-large";

/** A token by what may be told of it. */
export interface TokenFacts {
  /** A token's, its pass's and its sessions' are the same. */
  readonly tokenId: string;
  readonly keyId: string;
  readonly subject: string;
  readonly dashboard: string;
  readonly tenant?: string | undefined;
}

export interface TokenIssuedEvent extends TokenFacts, RequestFacts {
  readonly kind: TokenKind;
  readonly origins: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

export interface TokenAcceptedEvent extends TokenFacts, RequestFacts {
  readonly kind: TokenKind;
  /** Where the check was of one. */
  readonly origin?: string | undefined;
}

/** Names the token only where its signature is good. */
export interface TokenRefusedEvent extends Partial<TokenFacts>, RequestFacts {
  /** What it was shown as. */
  readonly kind: TokenKind;
  readonly reason: RefusalReason;
  /** What was given for the page's origin, not proved; missing where it is no origin. */
  readonly origin?: string | undefined;
}

export interface TokensRevokedEvent extends RequestFacts {
  readonly kind: RevocationKind;
  readonly id: string;
}

/** What a revocation is of. */
export type RevocationKind = "token" | "subject" | "dashboard" | "key";

/** The endpoint that issues tokens was asked for one. */
export interface TokenRequestedEvent extends RequestFacts {
  readonly outcome: "issued" | "disabled" | "unauthenticated" | "forbidden" | "throttled" | "invalid" | "failed";
  /** Who asked, where that is known. */
  readonly caller?: string | undefined;
  readonly durationMs: number;
}

/** By name, what each hook and each channel tells. */
export interface TokenEvents {
  readonly issued: TokenIssuedEvent;
  readonly accepted: TokenAcceptedEvent;
  readonly refused: TokenRefusedEvent;
  readonly revoked: TokensRevokedEvent;
  readonly requested: TokenRequestedEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. */
export type TokenHooks = Hooks<TokenEvents>;

/** `node:diagnostics_channel`s of this package, one for each hook. With no subscriber, an event is not even made. */
export const CHANNELS = {
  issued: "holdfast:embed-token:issued",
  accepted: "holdfast:embed-token:accepted",
  refused: "holdfast:embed-token:refused",
  revoked: "holdfast:embed-token:revoked",
  requested: "holdfast:embed-token:requested",
} as const;

/** Told to the hook, then to the channel. */
export const tell: Events<TokenEvents>["tell"] = createEvents<TokenEvents>(CHANNELS).tell;
