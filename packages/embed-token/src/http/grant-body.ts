// What the body of a request for a token may say: these members, of these types, and no other.

import type { Duration } from "@holdfast/core";
import type { JsonObject } from "../json.ts";

export interface AskedGrant {
  readonly subject: string;
  readonly dashboard: string;
  readonly origins: readonly string[];
  readonly tenant?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly filters?: JsonObject | undefined;
  readonly lifetime?: Duration | undefined;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const areTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** What their values may be, `createEmbedTokens` says when it issues. */
const MEMBERS: Readonly<Record<keyof AskedGrant, { readonly check: Check; readonly must: string }>> = {
  subject: { check: isText, must: "be a text" },
  dashboard: { check: isText, must: "be a text" },
  origins: { check: areTexts, must: "be a list of origins" },
  tenant: { check: isOptional(isText), must: "be a text" },
  scopes: { check: isOptional(areTexts), must: "be a list of texts" },
  filters: {
    check: isOptional((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
    must: "be an object",
  },
  lifetime: {
    check: isOptional(
      (value) =>
        (Number.isSafeInteger(value) && (value as number) > 0) ||
        (typeof value === "string" && /^\d{1,6}(?:s|m)$/.test(value)),
    ),
    must: 'be milliseconds, or such as "60s"',
  },
};

export function readGrant(body: JsonObject): { readonly grant: AskedGrant } | { readonly problem: string } {
  for (const name of Object.keys(body)) {
    if (!Object.hasOwn(MEMBERS, name)) return { problem: `${JSON.stringify(name.slice(0, 64))} is not known` };
  }
  for (const [name, { check, must }] of Object.entries(MEMBERS)) {
    if (!check(body[name])) return { problem: `${name} must ${must}` };
  }
  return { grant: body as unknown as AskedGrant };
}
