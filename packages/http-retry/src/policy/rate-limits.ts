// What servers say of their quotas, in the draft's structured fields and in the older ones.

import { type HeaderFields, largest, serverNow, valuesOf } from "./fields.ts";
import { parseList } from "./structured-list.ts";

/** What is left of a quota. */
export interface RateLimit {
  /** Of the policy that sets it. */
  readonly name: string;
  /** Of how many; undefined where the server doesn't say. */
  readonly limit: number | undefined;
  readonly remaining: number;
  /** In how many milliseconds there is more of it; undefined where the server doesn't say. */
  readonly resetMs: number | undefined;
}

/**
 * By draft-ietf-httpapi-ratelimit-headers: the items of `RateLimit`, Strings with a count `r` and perhaps seconds `t`, each with
 * the quota `q` that `RateLimit-Policy` has under the same name. A field that is not a List of such is ignored whole, as RFC 9651
 * (section 1.1) asks.
 */
export function rateLimits(headers: HeaderFields): readonly RateLimit[] {
  const states = itemsOf(headers, "ratelimit", (name, parameters) => {
    const [remaining, seconds] = [parameters.get("r"), parameters.get("t")];
    if (!isCount(remaining) || !(seconds === undefined || isCount(seconds))) return undefined;
    return { name, remaining, resetMs: seconds === undefined ? undefined : seconds * 1000 };
  });
  if (states.length === 0) return [];
  const limits = new Map(
    itemsOf(headers, "ratelimit-policy", (name, parameters) => {
      const quota = parameters.get("q");
      return isCount(quota) ? ([name, quota] as const) : undefined;
    }),
  );
  return states.map((state) => ({ ...state, limit: limits.get(state.name) }));
}

/** `PREFIX-Limit`, `-Remaining` and `-Reset`, of the draft's earlier versions or with an `X-` of nobody's standard. */
export function olderRateLimit(
  headers: HeaderFields,
  prefix: "ratelimit" | "x-ratelimit",
  nowMs: number,
): { readonly [Part in "limit" | "remaining" | "resetMs"]: number | undefined } {
  return {
    limit: largest(headers, `${prefix}-limit`),
    remaining: largest(headers, `${prefix}-remaining`),
    resetMs: untilReset(headers, largest(headers, `${prefix}-reset`), nowMs),
  };
}

// As seconds from now it would be 31 years; as seconds since the epoch it is 2001.
const FIRST_EPOCH_SECONDS = 1e9;
// As seconds since the epoch it would be the year 5138; as milliseconds it is 1973.
const FIRST_EPOCH_MILLISECONDS = 1e11;

/** Some servers write seconds from now, some seconds and some milliseconds since the epoch. */
function untilReset(headers: HeaderFields, reset: number | undefined, nowMs: number): number | undefined {
  if (reset === undefined) return undefined;
  if (reset < FIRST_EPOCH_SECONDS) return reset * 1000;
  const at = reset < FIRST_EPOCH_MILLISECONDS ? reset * 1000 : reset;
  return at - serverNow(headers, nowMs);
}

/** Each item of a field as `read` takes it, or none at all where one is not what it should be. */
function itemsOf<T>(
  headers: HeaderFields,
  field: string,
  read: (name: string, parameters: ReadonlyMap<string, unknown>) => T | undefined,
): readonly T[] {
  const values = valuesOf(headers, field);
  if (values.length === 0) return [];
  const items: T[] = [];
  // A List on several lines is one List (RFC 9651, section 4.2).
  for (const { value, parameters } of parseList(values.join(",")) ?? []) {
    const item = typeof value === "string" ? read(value, parameters) : undefined;
    if (item === undefined) return [];
    items.push(item);
  }
  return items;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
