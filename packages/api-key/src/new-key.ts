// A key that is to be made: what is asked for, held against what whoever asks may hand on.

import { type Duration, parseDuration } from "@holdfast/core";
import { ApiKeyError } from "./errors.ts";
import { ANY_ENVIRONMENT, type KeyRecord } from "./key-store.ts";
import { type Roles, scopesOfRole } from "./roles.ts";
import { checkHeldScopes, checkLimits, isConfinedWithin, isMap, isWithin, type Limits } from "./scopes.ts";

export interface NewKey {
  /** For people: what the key is for. 1 to 200 characters. */
  readonly name: string;
  /** Who may have it: a user's or a team's id. 1 to 200 characters. */
  readonly owner: string;
  /** `resource:action`, with `*` for whole segments. Default: none, which is good for nothing but being a key. */
  readonly scopes?: readonly string[] | undefined;
  /** A role whose scopes the key gets beside its own. */
  readonly role?: string | undefined;
  /** What it is confined to, by kind: `{ dataset: ["sales"] }`. Default: not confined. */
  readonly limits?: Limits | undefined;
  /** At most 32 texts under names of up to 64 characters. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Default: the first one that keys are accepted of. */
  readonly environment?: string | undefined;
  /** From now. Default: it does not expire. */
  readonly expiresIn?: Duration | undefined;
  /** Whose doing it is. A key can hand on what it holds itself and no more. Default: the program's own, which may do anything. */
  readonly by?: Grantor | undefined;
  readonly requestId?: string | undefined;
}

/** Who makes or rotates a key: a key itself (`KeyInfo` fits), or a person with these rights. */
export interface Grantor {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly limits?: Limits | undefined;
  readonly owner?: string | undefined;
  readonly environment?: string | undefined;
}

export type OwnerMay = (owner: string, scope: string) => boolean | Promise<boolean>;

/** What of a record is asked for. */
export type Description = Pick<
  KeyRecord,
  "environment" | "name" | "owner" | "scopes" | "limits" | "metadata" | "expiresAt"
>;

/** @throws ApiKeyError `INVALID_OPTION`, `INVALID_SCOPE` */
export function describeKey(key: NewKey, defaultEnvironment: string, roles: Roles, now: number): Description {
  const {
    environment = defaultEnvironment,
    name,
    owner,
    scopes = [],
    role,
    limits = {},
    metadata = {},
    expiresIn,
  } = key;
  checkText("name", name);
  checkText("owner", owner);
  checkMetadata(metadata);
  checkHeldScopes(scopes);
  checkLimits(limits);
  const all = role === undefined ? scopes : [...scopes, ...scopesOfRole(roles, role)];
  return {
    environment,
    name,
    owner,
    scopes: [...new Set(all)],
    limits,
    metadata,
    expiresAt: expiresIn === undefined ? null : now + lifetime(expiresIn),
  };
}

/** @throws ApiKeyError `SCOPE_EXCEEDED` */
export async function checkGrant(
  by: Grantor | undefined,
  { environment, scopes, limits }: Pick<KeyRecord, "environment" | "scopes" | "limits">,
  ownerMay: OwnerMay | undefined,
): Promise<void> {
  if (by === undefined) return;
  if (![undefined, ANY_ENVIRONMENT, environment].includes(by.environment)) {
    throw new ApiKeyError(
      "SCOPE_EXCEEDED",
      `${by.id} is of the environment ${by.environment}, and makes keys of no other`,
    );
  }
  if (!isWithin(scopes, by.scopes)) {
    const excess = scopes.filter((scope) => !isWithin([scope], by.scopes));
    throw new ApiKeyError("SCOPE_EXCEEDED", `${by.id} does not hold ${excess.join(", ")}, and so can't hand it on`);
  }
  if (!isConfinedWithin(limits, by.limits ?? {})) {
    throw new ApiKeyError(
      "SCOPE_EXCEEDED",
      `${by.id} is confined to ${JSON.stringify(by.limits)}; a key that it makes must be so as well, or more narrowly`,
    );
  }
  if (ownerMay === undefined || by.owner === undefined) return;
  for (const scope of scopes) {
    if (await ownerMay(by.owner, scope)) continue;
    throw new ApiKeyError("SCOPE_EXCEEDED", `${by.owner} may not do ${scope}, and so ${by.id} can't hand it on`);
  }
}

/** @throws ApiKeyError `INVALID_OPTION` */
export function checkText(field: string, text: unknown): void {
  if (typeof text === "string" && text.isWellFormed() && /^\P{Cc}{1,200}$/u.test(text)) return;
  throw new ApiKeyError("INVALID_OPTION", `A key's ${field} must be 1 to 200 characters, without control characters`);
}

function checkMetadata(metadata: unknown): void {
  const isGood = ([name, value]: readonly [string, unknown]): boolean =>
    /^\P{Cc}{1,64}$/u.test(name) && typeof value === "string" && /^[^\0]{0,1000}$/.test(value) && value.isWellFormed();
  if (isMap(metadata)) {
    const entries = Object.entries(metadata);
    if (entries.length <= 32 && entries.every(isGood)) return;
  }
  throw new ApiKeyError(
    "INVALID_OPTION",
    "A key's metadata must be at most 32 texts of up to 1000 characters, by name",
  );
}

function lifetime(expiresIn: Duration): number {
  const ms = parseDuration(expiresIn);
  if (ms > 0) return ms;
  throw new ApiKeyError("INVALID_OPTION", "expiresIn must be longer than nothing");
}
