// What happens to keys, told to hooks and to diagnostics channels: the audit trail. Never a key, never a part of its secret.

import { createEvents, type Events, type Hooks } from "@holdfast/core/events";

/** Who and where, as far as the face knows. */
export interface RequestFacts {
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly method?: string | undefined;
  /** Without its query. */
  readonly path?: string | undefined;
}

/**
 * Why a key was refused. Callers of the API are not told, but for `missing-scope` and `outside-limits`, which only a good key meets.
 * - `missing`: none was given
 * - `malformed`: no text that a key can be, or its checksum is wrong
 * - `ambiguous`: two that differ
 * - `in-url`: one stood in the URL
 * - `unknown`, `wrong-secret`, `revoked`, `expired`
 * - `wrong-environment`: a key of another environment
 * - `throttled`: too many failures from this address or for this id
 * - `missing-scope`: neither the key nor, perhaps, its owner may do this
 * - `outside-limits`: the key is confined to other datasets, tenants or the like
 */
export type RefusalReason =
  | "missing"
  | "malformed"
  | "ambiguous"
  | "in-url"
  | "unknown"
  | "wrong-secret"
  | "revoked"
  | "expired"
  | "wrong-environment"
  | "throttled"
  | "missing-scope"
  | "outside-limits";

/** A key passed a check: its own, or that of a scope after it. */
export interface KeyUsedEvent extends RequestFacts {
  readonly keyId: string;
  readonly owner: string;
  /** The scope that was asked for, where one was. */
  readonly scope?: string | undefined;
}

export interface KeyRefusedEvent extends RequestFacts {
  readonly reason: RefusalReason;
  /** Where the text named one, whether it exists or not. */
  readonly keyId?: string | undefined;
  readonly scope?: string | undefined;
}

export interface KeyChangedEvent {
  readonly change: "created" | "rotated" | "revoked" | "re-peppered";
  readonly keyId: string;
  readonly owner: string;
  readonly by: string | null;
  readonly successorId?: string | undefined;
  readonly because?: string | undefined;
  readonly requestId?: string | undefined;
}

/** A key that is used will expire soon; told at most once a day for each key and process. */
export interface KeyExpiringEvent {
  readonly keyId: string;
  readonly owner: string;
  readonly expiresAt: number;
}

/** By name, what each hook and each channel tells. */
export interface KeyEvents {
  readonly used: KeyUsedEvent;
  readonly refused: KeyRefusedEvent;
  readonly changed: KeyChangedEvent;
  readonly expiring: KeyExpiringEvent;
}

/** Called with what happened. What a hook throws becomes an uncaught exception, and does not change the call. */
export type KeyHooks = Hooks<KeyEvents>;

/** `node:diagnostics_channel`s of this package, one for each hook. With no subscriber, an event is not even made. */
export const CHANNELS = {
  used: "holdfast:api-key:used",
  refused: "holdfast:api-key:refused",
  changed: "holdfast:api-key:changed",
  expiring: "holdfast:api-key:expiring",
} as const;

/** Told to the hook, then to the channel. */
export const tell: Events<KeyEvents>["tell"] = createEvents<KeyEvents>(CHANNELS).tell;
