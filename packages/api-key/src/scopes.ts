// Scopes, `resource:action`: what a key holds may have wildcards, what is asked for may not.

import { ApiKeyError } from "./errors.ts";

/** By kind, the values that something is confined to: `{ dataset: ["sales", "stock"] }`. */
export type Limits = Readonly<Record<string, readonly string[]>>;

const SEGMENT = "[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?";
const ASKED: RegExp = new RegExp(`^${SEGMENT}(?::${SEGMENT}){1,3}$`);
const HELD: RegExp = new RegExp(`^(?:\\*|${SEGMENT})(?::(?:\\*|${SEGMENT})){1,3}$`);

// Scopes that are asked for are few, and asked for again and again.
const known = new Set<string>();
const MOST_KNOWN = 1000;

/** What can be asked for: 2 to 4 segments of small letters, digits and `_.-` between them, with `:` between segments. */
export function isScope(text: string): boolean {
  if (known.has(text)) return true;
  if (typeof text !== "string" || !ASKED.test(text)) return false;
  if (known.size === MOST_KNOWN) known.clear();
  known.add(text);
  return true;
}

/** What can be held: a scope in which whole segments may be `*`, which stands for any one segment. */
export function isHeldScope(text: string): boolean {
  return typeof text === "string" && HELD.test(text);
}

/** Whether one of the held scopes covers the asked one. Whatever is not of the form it must have covers nothing, and is not covered. */
export function covers(held: readonly string[], asked: string): boolean {
  if (!isScope(asked)) return false;
  for (const one of held) if (one === asked || coversOne(one, asked)) return true;
  return false;
}

/** Whether whoever holds `inner` can do nothing that whoever holds `outer` can't. Each is to be covered by one scope alone. */
export function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((asked) => isHeldScope(asked) && outer.some((one) => isHeldScope(one) && coversOne(one, asked)));
}

/** Whether every value that is asked for is in. A kind without limits is not confined; one with an empty list has nothing. */
export function allowsValues(limits: Limits, asked: Readonly<Record<string, string>>): boolean {
  return Object.entries(asked).every(
    ([kind, value]) => !Object.hasOwn(limits, kind) || limits[kind]?.includes(value) === true,
  );
}

/** Whether `inner` confines at least as much as `outer`. */
export function isConfinedWithin(inner: Limits, outer: Limits): boolean {
  return Object.entries(outer).every(
    ([kind, values]) => Object.hasOwn(inner, kind) && inner[kind]?.every((value) => values.includes(value)) === true,
  );
}

/** @throws ApiKeyError `INVALID_SCOPE` */
export function checkHeldScopes(scopes: readonly string[]): void {
  if (!Array.isArray(scopes))
    throw new ApiKeyError("INVALID_SCOPE", `Scopes are a list of texts, not ${shown(scopes)}`);
  for (const scope of scopes) {
    if (isHeldScope(scope)) continue;
    throw new ApiKeyError(
      "INVALID_SCOPE",
      `${shown(scope)} is no scope: write "resource:action" in small letters, with "*" for a whole segment: "datasets:*"`,
    );
  }
}

/** @throws ApiKeyError `INVALID_SCOPE` */
export function checkLimits(limits: Limits): void {
  if (!isMap(limits)) throw new ApiKeyError("INVALID_SCOPE", `Limits are lists by kind, not ${shown(limits)}`);
  for (const [kind, values] of Object.entries(limits)) {
    const isGood = Array.isArray(values) && values.every((value) => typeof value === "string" && isLimitValue(value));
    if (/^[a-z][a-z0-9_-]{0,62}$/.test(kind) && isGood) continue;
    throw new ApiKeyError(
      "INVALID_SCOPE",
      `The limit ${shown(kind)} must be named in small letters and list texts of 1 to 200 characters: { dataset: ["sales"] }`,
    );
  }
}

/** An object that maps names to values. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isLimitValue(value: string): boolean {
  return value.isWellFormed() && /^\P{Cc}{1,200}$/u.test(value);
}

/** As many segments, and each the same or under a `*`. No text that is not a held scope covers a scope: it has other characters. */
function coversOne(held: string, asked: string): boolean {
  let at = 0;
  for (let index = 0; index < held.length; index++) {
    const atStart = index === 0 || held[index - 1] === ":";
    const isWildcard = held[index] === "*" && atStart && (index + 1 === held.length || held[index + 1] === ":");
    if (isWildcard) {
      const end = asked.indexOf(":", at);
      at = end === -1 ? asked.length : end;
    } else if (held[index] === asked[at]) at++;
    else return false;
  }
  return at === asked.length;
}

/** What is too long for a scope that somebody would write is not shown: it may be a key, put in the wrong place. */
function shown(value: unknown): string {
  if (typeof value !== "string") return value === null ? "null" : typeof value;
  return value.length <= 32 ? JSON.stringify(value) : `a text of ${value.length} characters`;
}
