// Roles: names for sets of scopes, resolved when a key is made. A role that changes later changes no key that is there.

import { ApiKeyError } from "./errors.ts";
import { checkHeldScopes } from "./scopes.ts";

export type Roles = Readonly<Record<string, readonly string[]>>;

/** Read-only reads, write reads and writes, admin does all of `resource:action`. */
export const STANDARD_ROLES: Roles = defineRoles({
  "read-only": ["*:read"],
  write: ["*:read", "*:write"],
  admin: ["*:*"],
});

/**
 * @example
 * const roles = defineRoles({ "read-only": ["datasets:read"], write: ["datasets:*"], admin: ["*:*"] });
 * @throws ApiKeyError `INVALID_SCOPE`
 */
export function defineRoles<const R extends Roles>(roles: R): R {
  for (const scopes of Object.values(roles)) checkHeldScopes(scopes);
  return Object.freeze({ ...roles });
}

/** @throws ApiKeyError `INVALID_OPTION`: no role of that name */
export function scopesOfRole(roles: Roles, role: string): readonly string[] {
  const scopes = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (scopes) return scopes;
  throw new ApiKeyError(
    "INVALID_OPTION",
    `There is no role ${JSON.stringify(role)}; there are ${Object.keys(roles).join(", ")}`,
  );
}
