// What a token says: the claims on the wire, their check, and the grant that callers see.

import { countMembers, isObject, type JsonObject, type ParsedObject } from "./json.ts";
import { hasPatternForm } from "./origin.ts";

export type FilterValue = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** Row filters where no schema types them. */
export type Filters = Readonly<Record<string, FilterValue>>;

/** What an accepted token grants. Times are milliseconds since the epoch. */
export interface EmbedGrant<F = Filters> {
  /** The token's own id (`jti`); of a session, that of the token which it came of. */
  readonly id: string;
  readonly keyId: string;
  /** Who looks at the dashboard (`sub`). */
  readonly subject: string;
  readonly dashboard: string;
  /** Pages that may show it: origins, or `https://*.example.com`. At least one. */
  readonly origins: readonly string[];
  readonly tenant: string | undefined;
  readonly scopes: readonly string[];
  /** What the viewer's rows are confined to. */
  readonly filters: F;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** The payload. RFC 7519, 4.1, and our own; all but `tenant` are always there, and no other is understood. */
export interface Claims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly jti: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly dashboard: string;
  readonly origins: readonly string[];
  readonly tenant?: string;
  readonly scopes: readonly string[];
  readonly filters: JsonObject;
}

type Check = (value: unknown) => boolean;

const MOST_ORIGINS = 32;
const MOST_SCOPES = 64;

/** Ids are for people's systems: any text without control characters, that is the same text in every encoding. */
export function isId(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value.length <= 256 && value.isWellFormed() && !hasControls(value)
  );
}

/** RFC 6749's scope-token: printable ASCII without space, quote and backslash. */
function isScope(value: unknown): value is string {
  return typeof value === "string" && /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(value);
}

/** Tenants stand in the header too, before any signature is checked. */
export function isTenant(value: unknown): value is string {
  return typeof value === "string" && /^[\w.:@-]{1,128}$/.test(value);
}

/** A NumericDate of whole seconds, which is how they are issued. */
const isDate: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

const isListOf = (value: unknown, least: number, most: number, check: Check): boolean =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);

export function areOrigins(value: unknown): value is readonly string[] {
  return isListOf(value, 1, MOST_ORIGINS, (one) => typeof one === "string" && hasPatternForm(one));
}

export function areScopes(value: unknown): value is readonly string[] {
  return isListOf(value, 0, MOST_SCOPES, isScope);
}

export function areFilters(value: JsonObject): value is Filters {
  return Object.values(value).every((one) => isScalar(one) || (Array.isArray(one) && one.every(isScalar)));
}

function isScalar(value: unknown): boolean {
  return value === null || ["string", "boolean", "number"].includes(typeof value);
}

/** How many of them are always there. */
const REQUIRED = 11;

/**
 * The claims that a payload is, where it is one of ours. A claim that is not known is refused: it may be a restriction that only a
 * later version keeps. So is one that stands twice.
 */
export function readClaims({ value, members }: ParsedObject): Claims | undefined {
  if (!haveTypes(value)) return undefined;
  const own = value.tenant === undefined ? REQUIRED : REQUIRED + 1;
  // Of claims only the filters have members of their own.
  return Object.keys(value).length === own && own + countMembers(value.filters) === members ? value : undefined;
}

function haveTypes(payload: JsonObject): payload is JsonObject & Claims {
  const { iss, aud, sub, jti, iat, nbf, exp, dashboard, origins, tenant, scopes, filters } = payload;
  return (
    isId(iss) &&
    isId(aud) &&
    isId(sub) &&
    isId(jti) &&
    isDate(iat) &&
    isDate(nbf) &&
    isDate(exp) &&
    isId(dashboard) &&
    areOrigins(origins) &&
    (tenant === undefined || isTenant(tenant)) &&
    areScopes(scopes) &&
    isObject(filters)
  );
}

function hasControls(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return /[\x00-\x1f\x7f-\x9f]/.test(text);
}
