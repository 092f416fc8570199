// What a token may be asked to grant, and what is said where it may not.

import type { SchemaIssue, StandardSchemaV1 } from "@holdfast/core";
import { areFilters, areOrigins, areScopes, isId, isTenant } from "./claims.ts";
import { EmbedTokenError } from "./errors.ts";
import { isExact, isObject, type JsonObject } from "./json.ts";
import { isOriginPattern } from "./origin.ts";
import type { NewGrant } from "./tokens.ts";

/** @throws EmbedTokenError `INVALID_GRANT` */
export function checkGrant(
  { subject, dashboard, origins, tenant, scopes = [] }: Omit<NewGrant, "filters">,
  needsTenant: boolean,
): void {
  if (!isId(subject)) throw invalid("subject", "must be a text of 1 to 256 characters without control characters");
  if (!isId(dashboard)) throw invalid("dashboard", "must be a text of 1 to 256 characters without control characters");
  if (!areOrigins(origins) || !origins.every(isOriginPattern)) throw invalid("origins", originsProblem(origins));
  if (!areScopes(scopes))
    throw invalid("scopes", "must be up to 64 texts of printable ASCII, without space, quote and backslash");
  if (tenant === undefined ? needsTenant : !isTenant(tenant)) {
    throw invalid("tenant", 'must be 1 to 128 letters, digits, "_", ".", ":", "@" or "-"');
  }
}

/** The filters as they were given, for what the schema makes of them is the verifier's matter. @throws EmbedTokenError `INVALID_GRANT` */
export async function checkFilters(filters: unknown, schema: StandardSchemaV1 | undefined): Promise<JsonObject> {
  if (!isObject(filters) || !isExact(filters)) {
    throw invalid(
      "filters",
      "must be an object that JSON carries unchanged: no Date, no undefined, no number beyond 2^53 - 1",
    );
  }
  if (!schema) {
    if (areFilters(filters)) return filters;
    throw invalid(
      "filters",
      "must hold texts, numbers, booleans and null, or lists of them; give a schema for anything else",
    );
  }
  const { issues } = await schema["~standard"].validate(filters);
  if (issues) throw invalid("filters", `are refused by the schema: ${described(issues)}`);
  return filters;
}

function originsProblem(origins: unknown): string {
  const hint = "must be 1 to 32 origins such as https://portal.example.org or https://*.example.org";
  const wrong = Array.isArray(origins)
    ? origins.find((one) => typeof one !== "string" || !isOriginPattern(one))
    : undefined;
  if (typeof wrong !== "string") return hint;
  const origin = URL.parse(wrong)?.origin;
  const remedy = origin && isOriginPattern(origin) ? `; did you mean ${origin}?` : "";
  return `${hint}: ${JSON.stringify(wrong.slice(0, 128))} is none${remedy}`;
}

function described(issues: readonly SchemaIssue[]): string {
  const [first] = issues;
  const path = first?.path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return [path, first?.message ?? "no reason given"].filter(Boolean).join(": ");
}

function invalid(field: string, problem: string): EmbedTokenError {
  return new EmbedTokenError("INVALID_GRANT", `${field} ${problem}`);
}
