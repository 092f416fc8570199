// A variable: a schema for one piece of text, and what people should know about it. It is a Standard Schema itself.

import type { SchemaResult, StandardSchemaV1 } from "@holdfast/core";
import { Secret } from "@holdfast/core";
import { parseAbsent, parseWith } from "./foreign.ts";
import { andThen, invalid, type Parsed, valid } from "./parsed.ts";
import { isSecret } from "./redact.ts";
import { type Decoder, decoderOf } from "./zod.ts";

/** What happens when nothing is set. */
export type Presence = "required" | "optional" | "default";

/** A kind of text of our own. */
export interface TextKind {
  /** The end of "expected …": `a whole number from 1 to 65535`. */
  readonly expected: string;
  readonly parse: (text: string) => Parsed | Promise<Parsed>;
  /** The text that `parse` makes this value of. Default: its string form. */
  readonly format?: (value: never) => string;
  readonly example?: string | undefined;
  /** Whether it lists all its values, so that a valid one tells nothing. */
  readonly closed?: boolean;
  /** Why a valid key is still no secret, such as a placeholder from a guide. */
  readonly weakness?: (text: string) => string | undefined;
  /** How to make one, for `.env.example`. */
  readonly remedy?: string;
}

/** What the modifiers and `variable()` say. */
export interface VariableTraits {
  readonly presence: Presence;
  /** Whether the value is a Secret. */
  readonly secret: boolean;
  readonly fallback?: unknown;
  readonly devDefault?: unknown;
  readonly recommended?: string | undefined;
  readonly description?: string | undefined;
  readonly example?: string | undefined;
}

/** All that is known of one variable, whose text is of a kind of ours or goes to a schema of another library; `Variable` is its face. */
export type VariableSpec = VariableTraits &
  (
    | { readonly own: TextKind; readonly foreign?: undefined; readonly decoder?: undefined }
    | { readonly own?: undefined; readonly foreign: StandardSchemaV1; readonly decoder: Decoder | undefined }
  );

/** A default as it is written in code: a secret's is given bare. */
export type Default<Value> = Value extends Secret<infer Bare> ? Bare : Value;

/**
 * A schema with modifiers, each of which gives a new variable. Nothing set, or an empty string, is an absent value; the
 * modifiers decide what that means.
 */
export interface Variable<Value = unknown, State extends Presence = Presence>
  extends StandardSchemaV1<string | undefined, State extends "optional" ? Value | undefined : Value> {
  /** The value where nothing is set. */
  default(value: Default<Value>): Variable<Value, "default">;
  /** `undefined` where nothing is set. */
  optional(): Variable<Value, "optional">;
  /** As `optional`, and a start-up warning that says why it should be set. A default given before or after stands. */
  recommended(why: string): Variable<Value, State extends "required" ? "optional" : State>;
  /** The value outside production where nothing is set; in production the variable is required. */
  devDefault(value: Default<Value>): Variable<Value, State>;
  /** One sentence for the report, `.env.example` and the table of variables. */
  describe(text: string): Variable<Value, State>;
  /** A valid value for people to go by. A key equal to its example is refused in production. */
  example(text: string): Variable<Value, State>;
  readonly [SPEC]: VariableSpec;
}

// Registered, so that variables made by a second copy of this package are known as such.
/** @public because declared types name it */
export const SPEC: unique symbol = Symbol.for("@holdfast/config.variable");

export function createVariable<Value, State extends Presence = "required">(spec: VariableSpec): Variable<Value, State> {
  const change = <Next extends Presence>(changes: Partial<VariableTraits>): Variable<Value, Next> =>
    createVariable({ ...spec, ...changes });
  return {
    "~standard": {
      version: 1,
      vendor: "holdfast",
      validate: (input) => validate(spec, input) as SchemaResult<Value>,
    },
    default: (value) => change({ presence: "default", fallback: value }),
    optional: () => change({ presence: "optional" }),
    recommended: (why) =>
      change({ recommended: why, presence: spec.presence === "required" ? "optional" : spec.presence }),
    devDefault: (value) => change({ devDefault: value }),
    describe: (text) => change({ description: text }),
    example: (text) => change({ example: text }),
    [SPEC]: spec,
  };
}

/** A variable of a kind of ours that takes no white space at either end: a value is used as it is, or not at all. */
export function strictVariable<Value>(kind: TextKind, secret = false): Variable<Value, "required"> {
  const parse: TextKind["parse"] = (text) =>
    /^\s|\s$/.test(text) ? invalid(`is not ${kind.expected}`) : kind.parse(text);
  return createVariable({ own: { ...kind, parse }, presence: "required", secret });
}

/** The spec of one of our variables, or a bare one for a schema of another library. */
export function specOf(schema: StandardSchemaV1): VariableSpec {
  return (schema as Partial<Variable>)[SPEC] ?? foreignSpec(schema);
}

function foreignSpec(schema: StandardSchemaV1): VariableSpec {
  return { foreign: schema, decoder: decoderOf(schema), presence: "required", secret: false };
}

export function parseText(spec: VariableSpec, text: string): Parsed | Promise<Parsed> {
  const parsed = spec.own ? spec.own.parse(text) : parseWith(spec.foreign, spec.decoder, text);
  return spec.secret ? andThen(parsed, hidden) : parsed;
}

/** What an absent value comes to, development defaults aside. */
export function absent(spec: VariableSpec): Parsed | Promise<Parsed> {
  if (spec.presence === "default") return parseDefault(spec, spec.fallback);
  if (spec.presence === "optional") return valid(undefined);
  if (spec.own) return invalid("is not set");
  const parsed = parseAbsent(spec.foreign);
  return spec.secret ? andThen(parsed, hidden) : parsed;
}

/** The value of a default as the service gets it. A secret's default is text like any other and is parsed. */
export function parseDefault(spec: VariableSpec, value: unknown): Parsed | Promise<Parsed> {
  if (!spec.secret) return valid(value);
  return typeof value === "string" ? parseText(spec, value) : hidden(valid(value));
}

function hidden(parsed: Parsed): Parsed {
  const bare = parsed.ok && parsed.value !== undefined && !isSecret(parsed.value);
  return bare ? valid(new Secret(parsed.value)) : parsed;
}

// What a variable does where it is used without loadConfig: inside another schema, or handed to another library.
function validate(spec: VariableSpec, input: unknown): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
  if (input !== undefined && typeof input !== "string") return { issues: [{ message: "is not text" }] };
  return andThen(input ? parseText(spec, input) : absent(spec), (parsed) =>
    parsed.ok ? { value: parsed.value } : { issues: [{ message: parsed.message }] },
  );
}
