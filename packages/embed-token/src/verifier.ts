// A token's way through the checks: form, header, key, signature, claims, filters, and then the stores.

import type { Clock, Logger, SchemaResult, StandardSchemaV1 } from "@holdfast/core";
import { areFilters, type Claims, type EmbedGrant } from "./claims.ts";
import { withDeadline } from "./deadline.ts";
import { type RefusalReason, type TokenFacts, type TokenHooks, type TokenKind, tell } from "./events.ts";
import { faultOf } from "./judgement.ts";
import type { KeyRing } from "./keys.ts";
import { CLOCK_SPREAD_MS, type Settings } from "./options.ts";
import { hasPatternForm } from "./origin.ts";
import { isRevoked } from "./revocations.ts";
import { createReader, type SignedToken } from "./signed-token.ts";
import type { MarkStore, RevocationStore } from "./token-store.ts";
import type { EmbedTokens } from "./tokens.ts";
import { type Refusal, refusal, type VerifyCall } from "./verification.ts";

interface VerifierOptions<Input, Output> extends Settings {
  readonly kind: TokenKind;
  readonly ring: KeyRing;
  readonly schema: StandardSchemaV1<Input, Output> | undefined;
  readonly once: MarkStore | undefined;
  readonly revocations: RevocationStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly on: TokenHooks;
}

/** Of a call, what is told where it is refused. */
type Asked = Partial<Pick<VerifyCall, "facts" | "origin">>;

type Verifier<Input, Output> = Pick<EmbedTokens<Input, Output>, "verify" | "refuse">;

export function createVerifier<Input, Output>(options: VerifierOptions<Input, Output>): Verifier<Input, Output> {
  const { kind, schema, once, revocations, clock, logger, on } = options;
  const readToken = createReader(options.ring);

  function refuse(reason: RefusalReason, { facts, origin }: Asked, token?: SignedToken): Refusal {
    tell(on, "refused", () => ({
      ...facts,
      kind,
      ...(token && factsOf(token)),
      ...(isTellable(origin) && { origin }),
      reason,
    }));
    return refusal(reason);
  }

  function readFilters(claims: Claims): SchemaResult<Output> | Promise<SchemaResult<Output>> {
    if (schema) return schema["~standard"].validate(claims.filters);
    // Without a schema, Output is Filters.
    return areFilters(claims.filters) ? { value: claims.filters as Output } : { issues: [] };
  }

  async function askStores(
    { claims, keyId }: SignedToken,
    signal: AbortSignal | undefined,
  ): Promise<RefusalReason | undefined> {
    const keepMs = Math.ceil(claims.exp * 1000 - clock.now() + options.toleranceMs + CLOCK_SPREAD_MS);
    try {
      const [revoked, isFirst] = await withDeadline(options, signal, (within) =>
        Promise.all([
          revocations ? isRevoked(revocations, claims, keyId, within) : false,
          once ? isFirstUse(once, claims.jti, keepMs, within) : true,
        ]),
      );
      if (revoked) return "revoked";
      return isFirst ? undefined : "used";
    } catch (error) {
      signal?.throwIfAborted();
      logger.error({ error }, "A store of embed tokens failed or is slow; the token is refused");
      return "unavailable";
    }
  }

  return {
    async verify(text, call) {
      const { facts, signal, origin } = call;
      signal?.throwIfAborted();
      if (typeof text !== "string" || text === "") return refuse(text ? "malformed" : "missing", call);
      const token = await readToken(text);
      if (!token.ok) return refuse(token.reason, call);
      const fault = faultOf(token.claims, options, clock.now(), call);
      if (fault) return refuse(fault, call, token);
      const read = readFilters(token.claims);
      const filters = "then" in read ? await read : read;
      if (filters.issues) return refuse("wrong-filters", call, token);
      // Last, so that a token which is refused for anything else is not used up.
      const storeFault = once || revocations ? await askStores(token, signal) : undefined;
      if (storeFault) return refuse(storeFault, call, token);
      tell(on, "accepted", () => ({ ...facts, kind, ...factsOf(token), origin: origin || undefined }));
      return { ok: true, grant: grantOf(token, filters.value) };
    },
    refuse: (reason, facts) => refuse(reason, { facts }),
  };
}

/** Nothing else that may have come in its place, such as a token. */
function isTellable(origin: VerifyCall["origin"]): origin is string {
  return typeof origin === "string" && (origin === "null" || hasPatternForm(origin));
}

/** Anything but true is no yes. */
async function isFirstUse(once: MarkStore, name: string, keepMs: number, signal: AbortSignal): Promise<boolean> {
  return (await once.mark(name, keepMs, { signal })) === true;
}

function factsOf({ claims, keyId }: SignedToken): TokenFacts {
  const { jti, sub, dashboard, tenant } = claims;
  return { tokenId: jti, keyId, subject: sub, dashboard, tenant };
}

function grantOf<F>({ claims, keyId }: SignedToken, filters: F): EmbedGrant<F> {
  const { jti, sub, dashboard, origins, tenant, scopes, iat, nbf, exp } = claims;
  return {
    id: jti,
    keyId,
    subject: sub,
    dashboard,
    origins,
    tenant,
    scopes,
    filters,
    issuedAt: iat * 1000,
    notBefore: nbf * 1000,
    expiresAt: exp * 1000,
  };
}
