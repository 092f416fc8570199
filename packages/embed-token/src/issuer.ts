// Makes tokens, and none that the verifier would refuse for what is in it.

import { randomBytes } from "node:crypto";
import { type Clock, type Duration, parseDuration, Secret, type StandardSchemaV1 } from "@holdfast/core";
import { CompactSign } from "jose";
import type { Claims } from "./claims.ts";
import { EmbedTokenError } from "./errors.ts";
import { type TokenHooks, type TokenKind, tell } from "./events.ts";
import { checkFilters, checkGrant } from "./grant.ts";
import type { KeyRing } from "./keys.ts";
import type { Settings } from "./options.ts";
import { ALGORITHM, MOST_TOKEN_CHARACTERS, TYPE } from "./strict.ts";
import type { IssuedToken, NewGrant } from "./tokens.ts";

interface IssuerOptions<Input, Output> extends Settings {
  readonly kind: TokenKind;
  readonly ring: KeyRing;
  readonly schema: StandardSchemaV1<Input, Output> | undefined;
  readonly clock: Clock;
  readonly random: ((size: number) => Uint8Array) | undefined;
  readonly on: TokenHooks;
}

/** With an id, what is issued is revoked by that: the id of the token that it comes of. Default: a new one. */
export type Issue<Input> = (grant: NewGrant<Input>, id?: string) => Promise<IssuedToken>;

// 128 bits: no two are ever the same by chance.
const ID_BYTES = 16;

export function createIssuer<Input, Output>(options: IssuerOptions<Input, Output>): Issue<Input> {
  const { kind, ring, schema, clock, random = randomBytes, on } = options;
  const { currentId: keyId } = ring;

  function lifetimeMsOf(lifetime: Duration | undefined): number {
    if (lifetime === undefined) return options.lifetimeMs;
    const ms = parseDuration(lifetime);
    if (ms >= 1000 && ms % 1000 === 0 && ms <= options.maxLifetimeMs) return ms;
    throw new EmbedTokenError(
      "INVALID_GRANT",
      `lifetime is ${ms} ms; give whole seconds up to maxLifetime, which is ${options.maxLifetimeMs} ms`,
    );
  }

  const newId = (): string => Buffer.from(random(ID_BYTES)).toString("base64url");

  return async (grant, id = newId()) => {
    checkGrant(grant, ring.perTenant);
    const { subject, dashboard, origins, tenant, scopes = [], facts } = grant;
    const filters = await checkFilters(grant.filters ?? {}, schema);
    const now = clock.now();
    const issuedAt = Math.floor(now / 1000) * 1000;
    const expiresAt = issuedAt + lifetimeMsOf(grant.lifetime);
    const claims: Claims = {
      iss: options.issuer,
      aud: options.audience,
      sub: subject,
      jti: id,
      iat: issuedAt / 1000,
      nbf: issuedAt / 1000,
      exp: expiresAt / 1000,
      dashboard,
      origins,
      ...(tenant !== undefined && { tenant }),
      scopes,
      filters,
    };
    const header = { alg: ALGORITHM, typ: TYPE, kid: keyId, ...(ring.perTenant && { tenant }) };
    const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader(header)
      .sign(ring.currentKey(tenant));
    if (token.length > MOST_TOKEN_CHARACTERS) {
      throw new EmbedTokenError(
        "INVALID_GRANT",
        `The token would have ${token.length} characters, and ${MOST_TOKEN_CHARACTERS} are accepted: filters, origins and scopes must be fewer`,
      );
    }
    tell(on, "issued", () => ({
      ...facts,
      kind,
      tokenId: id,
      keyId,
      subject,
      dashboard,
      tenant,
      origins,
      scopes,
      expiresAt,
    }));
    return { token: new Secret(token), id, issuedAt, expiresAt, expiresInMs: expiresAt - now };
  };
}
