// Whether claims that are really ours are good, here and now. No I/O.

import type { Claims } from "./claims.ts";
import type { RefusalReason } from "./events.ts";
import type { Settings } from "./options.ts";
import { isAmong } from "./origin.ts";
import type { VerifyCall } from "./verification.ts";

type Rules = Pick<Settings, "issuer" | "audience" | "maxLifetimeMs" | "toleranceMs">;

/** Why not; undefined where they are. */
export function faultOf(claims: Claims, rules: Rules, now: number, call: VerifyCall): RefusalReason | undefined {
  if (claims.iss !== rules.issuer) return "wrong-issuer";
  if (claims.aud !== rules.audience) return "wrong-audience";
  return timeFault(claims, rules, now) ?? purposeFault(claims, call);
}

function timeFault(
  { iat, nbf, exp }: Claims,
  { maxLifetimeMs, toleranceMs }: Rules,
  now: number,
): RefusalReason | undefined {
  if (exp <= iat || exp <= nbf) return "malformed-claims";
  if ((exp - iat) * 1000 > maxLifetimeMs) return "too-long-lived";
  if (Math.max(iat, nbf) * 1000 > now + toleranceMs) return "not-yet-valid";
  return exp * 1000 <= now - toleranceMs ? "expired" : undefined;
}

function purposeFault(
  claims: Claims,
  { origin, ancestors = [], dashboard, tenant, scope }: VerifyCall,
): RefusalReason | undefined {
  if (!ancestors.every((ancestor) => isAmong(ancestor, claims.origins))) return "wrong-origin";
  if (origin !== false && !(typeof origin === "string" && isAmong(origin, claims.origins))) return "wrong-origin";
  if (dashboard !== undefined && dashboard !== claims.dashboard) return "wrong-dashboard";
  if (tenant !== undefined && tenant !== claims.tenant) return "wrong-tenant";
  return scope !== undefined && !claims.scopes.includes(scope) ? "missing-scope" : undefined;
}
