// Who may have tokens made: an API key, an administrator's token, or whatever the service knows callers by.

import type { RequestView } from "@holdfast/core/http";
import type { RequestFacts } from "../events.ts";
import type { AskedGrant } from "./grant-body.ts";

export type Authorisation =
  | {
      readonly ok: true;
      /** Whom requests are counted by, and events name. */
      readonly caller: string;
      /** Whether the caller may have this very token made. Default: any. */
      readonly may?: ((grant: AskedGrant) => boolean | Promise<boolean>) | undefined;
    }
  | {
      readonly ok: false;
      /** `unauthenticated`: nobody known; `forbidden`: known, and may not; `throttled`: failed too often. */
      readonly reason: "unauthenticated" | "forbidden" | "throttled";
      readonly retryAfterMs?: number | undefined;
    };

/** A rejection is answered by 503: nobody is let in on a guess. */
export type Authorise = (view: RequestView, facts: RequestFacts) => Promise<Authorisation>;

/** What is used of `createApiKeys` of `@holdfast/api-key`. */
export interface KeyVerifier<Key extends { readonly id: string }> {
  verify(text: string | undefined, call: KeyAsk): Promise<KeyVerification<Key>>;
  authorise(key: Key, ask: KeyAsk): Promise<{ readonly ok: boolean }>;
}

interface KeyAsk {
  readonly scope?: string | undefined;
  readonly limits?: Readonly<Record<string, string>> | undefined;
  readonly facts?: RequestFacts | undefined;
}

type KeyVerification<Key> =
  | { readonly ok: true; readonly key: Key }
  | { readonly ok: false; readonly reason: string; readonly retryAfterMs?: number | undefined };

/**
 * By an API key in `X-API-Key` or `Authorization: Bearer`, with a scope (default `embeds:create`). A key that is confined to tenants or
 * dashboards has tokens made for those alone.
 */
export function byApiKey<Key extends { readonly id: string }>(
  keys: KeyVerifier<Key>,
  { scope = "embeds:create" }: { readonly scope?: string | undefined } = {},
): Authorise {
  return async (view, facts) => {
    const own = view.header("x-api-key");
    const bearer = bearerOf(view);
    if (own !== undefined && bearer !== undefined && own !== bearer) return UNAUTHENTICATED;
    const verified = await keys.verify(own ?? bearer, { scope, facts });
    if (!verified.ok) {
      if (verified.reason === "throttled")
        return { ok: false, reason: "throttled", retryAfterMs: verified.retryAfterMs };
      return verified.reason === "missing-scope" ? { ok: false, reason: "forbidden" } : UNAUTHENTICATED;
    }
    const { key } = verified;
    return {
      ok: true,
      caller: `key ${key.id}`,
      async may({ dashboard, tenant = "" }) {
        return (await keys.authorise(key, { scope, limits: { dashboard, tenant }, facts })).ok;
      },
    };
  };
}

/** Whose token it is; undefined where it is not good. Verify algorithm, issuer, audience and expiry, as jose's `jwtVerify` does when told to. */
export type AdminVerifier = (token: string) => Promise<{ readonly subject: string } | undefined>;

/** By an administrator's token in `Authorization: Bearer`, which the service itself knows how to verify. */
export function byAdminToken(verify: AdminVerifier): Authorise {
  return async (view) => {
    const token = bearerOf(view);
    const admin = token === undefined ? undefined : await verify(token);
    return admin ? { ok: true, caller: `admin ${admin.subject}` } : UNAUTHENTICATED;
  };
}

/** By the first way that lets the caller in; else what the last one says. */
export function anyOf(...ways: readonly [Authorise, ...Authorise[]]): Authorise {
  return async (view, facts) => {
    let answer: Authorisation = UNAUTHENTICATED;
    for (const way of ways) {
      answer = await way(view, facts);
      if (answer.ok) break;
    }
    return answer;
  };
}

const UNAUTHENTICATED: Authorisation = { ok: false, reason: "unauthenticated" };

function bearerOf(view: RequestView): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(view.header("authorization") ?? "")?.[1];
}
