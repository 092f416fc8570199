// The same token issued and checked by @holdfast/embed-token and by jose alone, with an imported key and the same claims.

import { randomBytes, randomUUID, webcrypto } from "node:crypto";
import { createEmbedTokens, type EmbedTokens, type NewGrant } from "@holdfast/embed-token";
import { type JWTPayload, jwtVerify, SignJWT } from "jose";

export interface TokenSide {
  issue(): Promise<string>;
  /** Whether the token is good for the page at `ORIGIN`. */
  verify(token: string): Promise<boolean>;
}

const ISSUER = "https://app.example.com";
const AUDIENCE = "dashboards";
const ORIGIN = "https://portal.example.org";
const KEY_ID = "2026-11";
const SECRET: Uint8Array = randomBytes(32);

const GRANT = {
  subject: "user-7",
  dashboard: "sales",
  origins: [ORIGIN],
  tenant: "acme",
  scopes: ["view", "export"],
  filters: { region: ["eu", "us"], customer: 4711 },
} satisfies NewGrant;

export function holdfast(): TokenSide {
  const tokens: EmbedTokens = createEmbedTokens({
    keys: [{ id: KEY_ID, key: SECRET }],
    issuer: ISSUER,
    audience: AUDIENCE,
  });
  return {
    issue: async () => (await tokens.issue(GRANT)).token.reveal(),
    verify: async (token) => (await tokens.verify(token, { origin: ORIGIN, dashboard: GRANT.dashboard })).ok,
  };
}

const VERIFY_OPTIONS = {
  algorithms: ["HS256"],
  typ: "embed+jwt",
  issuer: ISSUER,
  audience: AUDIENCE,
  requiredClaims: ["sub", "jti", "iat", "nbf", "exp", "dashboard", "origins", "scopes", "filters"],
  maxTokenAge: "10m",
  clockTolerance: 5,
};

export async function bareJose(): Promise<TokenSide> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await webcrypto.subtle.importKey("raw", new Uint8Array(SECRET), hmac, false, ["sign", "verify"]);
  const { subject, ...claims } = GRANT;
  return {
    issue: () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "HS256", typ: "embed+jwt", kid: KEY_ID })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt()
        .setNotBefore("0s")
        .setExpirationTime("60s")
        .sign(key),
    async verify(token) {
      const { payload } = await jwtVerify(token, key, VERIFY_OPTIONS);
      return hasOurTypes(payload) && payload.dashboard === GRANT.dashboard && payload.origins.includes(ORIGIN);
    },
  };
}

interface OurClaims {
  readonly dashboard: string;
  readonly origins: readonly string[];
}

/** What jose does not look at. */
function hasOurTypes(payload: JWTPayload): payload is JWTPayload & OurClaims {
  const { sub, jti, iat, exp, dashboard, origins, tenant, scopes, filters } = payload;
  return (
    [sub, jti, dashboard, tenant].every((one) => typeof one === "string") &&
    [origins, scopes].every((list) => Array.isArray(list) && list.every((one) => typeof one === "string")) &&
    typeof filters === "object" &&
    filters !== null &&
    (exp ?? Number.POSITIVE_INFINITY) - (iat ?? 0) <= 600
  );
}
