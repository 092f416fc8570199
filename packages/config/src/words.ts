// A variable in words: what it expects, what it is for. Of another library's schema as far as can be told from outside.

import type { StandardSchemaV1 } from "@holdfast/core";
import { oneOfText } from "./schemas/grammar.ts";
import type { Presence, VariableSpec } from "./variable.ts";
import { absenceOf, isZod, unwrap } from "./zod.ts";

const FORMATS: Readonly<Record<string, string>> = {
  url: "a URL",
  email: "an e-mail address",
  uuid: "a UUID",
  guid: "a UUID",
  datetime: "a date and time (ISO 8601)",
  date: "a date (ISO 8601)",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  hostname: "a host name",
  jwt: "a JWT",
  base64: "base64 text",
  base64url: "base64url text",
};

/** One check of zod's `def.checks`. */
interface Check {
  readonly _zod: {
    readonly def: {
      readonly check: string;
      readonly value?: unknown;
      readonly inclusive?: boolean;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly format?: string;
    };
  };
}

/** The end of "expected …" for any variable. */
export function expectedOf({ own, foreign }: VariableSpec): string {
  return own ? own.expected : describeSchema(foreign);
}

function describeSchema(schema: StandardSchemaV1): string {
  const core = unwrap(schema);
  if (!core) return `what its ${schema["~standard"].vendor} schema accepts`;
  const def = core._zod.def as typeof core._zod.def & { readonly checks?: readonly Check[] };
  const limits = (def.checks ?? []).map(limit).filter((text) => text !== undefined);
  const format = def.format ?? def.checks?.map(({ _zod }) => _zod.def.format).find((name) => name !== undefined);
  const kind = kindOf(def.type, format, core._zod.values);
  if (def.type === "union") return (def.options ?? []).map(describeSchema).join(", or ");
  return limits.length === 0 ? kind : `${kind} (${limits.join(", ")})`;
}

/** What people are told of any variable: ours by modifiers, zod's by its own `describe`. */
export function descriptionOf({ foreign, description }: VariableSpec): string | undefined {
  if (description !== undefined || !foreign || !isZod(foreign)) return description;
  return foreign.description ?? unwrap(foreign)?.description;
}

export function exampleOf({ own, example }: VariableSpec): string | undefined {
  return example ?? own?.example;
}

/** A value as it would be written in the environment. */
export function formatValue({ own }: VariableSpec, value: unknown): string {
  if (own?.format) return own.format(value as never);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Whether a variable has to be set in production, and what it is where it isn't. */
export function needOf(spec: VariableSpec): { readonly need: Presence; readonly fallback?: unknown } {
  if (spec.presence !== "required" || spec.own) return { need: spec.presence, fallback: spec.fallback };
  return absenceOf(spec.foreign);
}

function kindOf(type: string, format: string | undefined, values: ReadonlySet<unknown> | undefined): string {
  switch (type) {
    case "string":
      return FORMATS[format ?? ""] ?? "text";
    case "number":
      return format?.includes("int") ? "a whole number" : "a number";
    case "bigint":
      return "a whole number";
    case "boolean":
      return "true or false";
    case "date":
      return "a date (ISO 8601)";
    case "literal":
    case "enum":
      return oneOfText([...(values ?? [])].map(String));
    default:
      return "what its schema accepts";
  }
}

function limit({ _zod: { def } }: Check): string | undefined {
  switch (def.check) {
    case "greater_than":
      return `${def.inclusive ? "at least" : "more than"} ${String(def.value)}`;
    case "less_than":
      return `${def.inclusive ? "at most" : "less than"} ${String(def.value)}`;
    case "min_length":
      return `at least ${def.minimum} characters`;
    case "max_length":
      return `at most ${def.maximum} characters`;
    default:
      return undefined;
  }
}
