// Reads the shape of a zod 4 schema without importing zod, so that text is turned into what the schema wants strictly:
// zod's own coercion makes 0 of "", true of "false" and 16 of "0x10".

import type { StandardSchemaV1 } from "@holdfast/core";
import { invalid, type Parsed, valid } from "./parsed.ts";
import { parseBoolean, parseInteger, parseNumber } from "./schemas/grammar.ts";

/** The part of zod's documented `_zod.def` (https://zod.dev/packages/core) that is read here. */
interface ZodDef {
  readonly type: string;
  readonly coerce?: boolean;
  readonly format?: string;
  readonly innerType?: ZodSchema;
  readonly in?: ZodSchema;
  readonly left?: ZodSchema;
  readonly options?: readonly ZodSchema[];
  readonly getter?: () => ZodSchema;
  readonly catchValue?: (context: object) => unknown;
  readonly defaultValue?: unknown;
}

interface ZodSchema extends StandardSchemaV1 {
  readonly description?: string;
  readonly _zod: {
    readonly def: ZodDef;
    readonly optin?: "optional" | "defaulted" | undefined;
    readonly values?: ReadonlySet<unknown>;
  };
}

export function isZod(schema: StandardSchemaV1): schema is ZodSchema {
  return (schema as Partial<ZodSchema>)._zod?.def !== undefined;
}

/** Makes of text what a schema takes in. */
export type Decoder = (text: string) => Parsed;

/** The decoder for a schema, made once; `undefined` where it takes the text itself, as other validators' schemas do. */
export function decoderOf(schema: StandardSchemaV1): Decoder | undefined {
  if (!isZod(schema)) return undefined;
  const { def } = schema._zod;
  switch (def.type) {
    case "number":
      return (text) => parseNumber(text) ?? invalid("is not a number");
    case "boolean":
      return (text) => parseBoolean(text) ?? invalid("is not true or false");
    case "bigint":
      return (text) => parseInteger(text) ?? invalid("is not a whole number");
    case "date":
      return (text) => parseDate(text) ?? invalid("is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z");
    case "literal":
    case "enum":
      return memberDecoder(schema);
    case "union":
      return (text) => decodeUnion(def.options ?? [], text);
    case "lazy":
      // Not before it is needed: what it stands for may not be there yet.
      return (text) => decode(innerOf(def), text);
    case "catch":
      return catchDecoder(def);
    default: {
      const inner = innerOf(def);
      return inner && decoderOf(inner);
    }
  }
}

function decode(schema: StandardSchemaV1 | undefined, text: string): Parsed {
  return (schema && decoderOf(schema)?.(text)) ?? valid(text);
}

function catchDecoder(def: ZodDef): Decoder | undefined {
  const decoder = def.innerType && decoderOf(def.innerType);
  const nothing = { issues: [], error: { issues: [] } };
  return (
    decoder &&
    ((text) => {
      const decoded = decoder(text);
      return decoded.ok ? decoded : valid(def.catchValue?.({ value: text, input: text, ...nothing }));
    })
  );
}

/** Whether the schema would make a value out of nothing by coercion: `z.coerce.string()` makes "undefined" of it. */
export function coercesAbsence(schema: StandardSchemaV1): boolean {
  return isZod(schema) && schema._zod.optin === undefined && coerces(schema);
}

/** What the schema itself does where nothing is set. */
export function absenceOf(schema: StandardSchemaV1): { need: "required" | "optional" | "default"; fallback?: unknown } {
  for (let at: StandardSchemaV1 | undefined = schema; at && isZod(at); at = innerOf(at._zod.def)) {
    const { def, optin } = at._zod;
    if (def.type === "default" || def.type === "prefault") return { need: "default", fallback: def.defaultValue };
    if (optin === undefined) return { need: "required" };
    if (def.type === "optional") return { need: "optional" };
  }
  return { need: isZod(schema) ? "optional" : "required" };
}

/** Whether the schema itself lists every value that it lets through. */
export function isClosed(schema: StandardSchemaV1): boolean {
  if (!isZod(schema)) return false;
  const { def } = schema._zod;
  if (def.type === "boolean" || def.type === "literal" || def.type === "enum") return true;
  const inner = def.type === "pipe" ? undefined : innerOf(def);
  return inner !== undefined && isClosed(inner);
}

/** The keys along a path that the schema itself declares; others are the value's own and stay unsaid. */
export function declaredPath(schema: StandardSchemaV1, path: readonly PropertyKey[]): string {
  let at: StandardSchemaV1 | undefined = schema;
  let text = "";
  for (const key of path) {
    const container: ZodSchema | undefined = at && unwrap(at);
    const shape: Readonly<Record<PropertyKey, StandardSchemaV1>> | undefined = container && shapeOf(container);
    if (typeof key === "number") text += `[${key}]`;
    else
      text +=
        shape && Object.hasOwn(shape, key) ? `${text === "" ? "" : "."}${String(key)}` : `${text === "" ? "" : "."}…`;
    at = shape && Object.hasOwn(shape, key) ? shape[key] : elementOf(container);
  }
  return text;
}

/** The schema under its wrappers, where a value of its kind goes in. */
export function unwrap(schema: StandardSchemaV1): ZodSchema | undefined {
  if (!isZod(schema)) return undefined;
  const inner = innerOf(schema._zod.def);
  return inner ? unwrap(inner) : schema;
}

function innerOf(def: ZodDef): ZodSchema | undefined {
  switch (def.type) {
    case "optional":
    case "nullable":
    case "nonoptional":
    case "default":
    case "prefault":
    case "readonly":
    case "catch":
      return def.innerType;
    case "pipe":
      return def.in;
    case "intersection":
      return def.left;
    case "lazy":
      return def.getter?.();
    default:
      return undefined;
  }
}

function coerces(schema: ZodSchema): boolean {
  const { def } = schema._zod;
  if (def.coerce === true || def.options?.some(coerces)) return true;
  const inner = innerOf(def);
  return inner !== undefined && coerces(inner);
}

// Literals and enums of numbers and booleans are met by their own written form, and by no other.
function memberDecoder({ _zod: { values = new Set() } }: ZodSchema): Decoder | undefined {
  const written = new Map<string, unknown>();
  for (const value of values) if (typeof value !== "string") written.set(String(value), value);
  return written.size === 0 ? undefined : (text) => valid(written.has(text) ? written.get(text) : text);
}

// The first member that takes the text, strictly decoded, decides what the text is.
function decodeUnion(options: readonly ZodSchema[], text: string): Parsed {
  for (const option of options) {
    const decoded = decode(option, text);
    if (!decoded.ok) continue;
    const result = option["~standard"].validate(decoded.value);
    if (result instanceof Promise || !result.issues) return decoded;
  }
  return invalid("is none of the forms that its schema allows");
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function parseDate(text: string): Parsed | undefined {
  if (!ISO_DATE.test(text)) return undefined;
  // Date turns 30 February into 1 March instead of refusing it; the day alone, at midnight UTC, must come back unchanged.
  const day = text.slice(0, 10);
  const midnight = new Date(day);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : valid(date);
}

function shapeOf(schema: ZodSchema): Readonly<Record<PropertyKey, StandardSchemaV1>> | undefined {
  return (schema._zod.def as { readonly shape?: Readonly<Record<PropertyKey, StandardSchemaV1>> }).shape;
}

function elementOf(schema: ZodSchema | undefined): StandardSchemaV1 | undefined {
  const def = schema?._zod.def as
    | { readonly element?: StandardSchemaV1; readonly valueType?: StandardSchemaV1 }
    | undefined;
  return def?.element ?? def?.valueType;
}
