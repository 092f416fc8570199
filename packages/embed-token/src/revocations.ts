// Tokens ended before their time: put in a store by name, and looked up at each check.

import type { Clock } from "@holdfast/core";
import { type Claims, isId } from "./claims.ts";
import { withDeadline } from "./deadline.ts";
import { EmbedTokenError } from "./errors.ts";
import { type RevocationKind, type TokenHooks, tell } from "./events.ts";
import { CLOCK_SPREAD_MS, MOST_LIFETIME_MS, MOST_TOLERANCE_MS, type Settings } from "./options.ts";
import type { RevocationStore } from "./token-store.ts";
import type { EmbedTokens, RevocationTarget } from "./tokens.ts";

interface RevocationsOptions extends Settings {
  readonly store: RevocationStore | undefined;
  readonly clock: Clock;
  readonly on: TokenHooks;
}

const { POSITIVE_INFINITY } = Number;
/** Until nothing that is revoked can be good again, also where other options are in force: dated late, issued for long, shown to a slow clock. */
const KEEP_MS = MOST_LIFETIME_MS + 2 * MOST_TOLERANCE_MS + CLOCK_SPREAD_MS;

export function createRevocation(options: RevocationsOptions): EmbedTokens["revoke"] {
  const { store, clock, on, toleranceMs } = options;

  return async (target, call) => {
    const [kind, id] = targetOf(target);
    if (!store) {
      throw new EmbedTokenError("INVALID_OPTION", "Nothing can be revoked without a store: give `revocations`");
    }
    // A token is gone by its id, whatever its date; and whoever has a key writes any date. As for the others, a clock that is
    // ahead has dated tokens later than now.
    const issuedUpTo = kind === "token" || kind === "key" ? POSITIVE_INFINITY : Math.ceil(clock.now() + toleranceMs);
    const keepMs = kind === "key" ? POSITIVE_INFINITY : KEEP_MS;
    try {
      await withDeadline(options, call?.signal, async (signal) =>
        store.revoke(nameOf(kind, id), issuedUpTo, keepMs, { signal }),
      );
    } catch (error) {
      call?.signal?.throwIfAborted();
      if (error instanceof EmbedTokenError) throw error;
      throw new EmbedTokenError("STORE_UNAVAILABLE", "The revocation may not be kept: call again until it is", {
        cause: error,
      });
    }
    tell(on, "revoked", () => ({ ...call?.facts, kind, id }));
  };
}

/** Whether a token is among what the store has as revoked. */
export async function isRevoked(
  store: RevocationStore,
  { jti, sub, dashboard, iat }: Claims,
  keyId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const names = [nameOf("token", jti), nameOf("subject", sub), nameOf("dashboard", dashboard), nameOf("key", keyId)];
  const found = await store.revocations(names, { signal });
  return found.some((issuedUpTo) => issuedUpTo !== undefined && iat * 1000 <= issuedUpTo);
}

/** Kinds have no colon, so names of two kinds never meet. */
function nameOf(kind: RevocationKind, id: string): string {
  return `${kind}:${id}`;
}

function targetOf(target: RevocationTarget): readonly [RevocationKind, string] {
  const [[kind, id] = [], ...others] = Object.entries(target);
  const isKind = kind === "token" || kind === "subject" || kind === "dashboard" || kind === "key";
  if (isKind && isId(id) && others.length === 0) return [kind, id];
  throw new EmbedTokenError(
    "INVALID_OPTION",
    "Revoke one of { token }, { subject }, { dashboard } and { key }, by its id",
  );
}
