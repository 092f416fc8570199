// What a schema and its rules declare: every variable, with all that is known of it.

import type { StandardSchemaV1 } from "@holdfast/core";
import { ConfigError } from "./config-error.ts";
import type { Rule, VariableSchemas } from "./rules.ts";
import { specOf, type VariableSpec } from "./variable.ts";

/** `z.object({ … })`, or another library's object schema that shows its fields as `shape`. */
export interface ObjectSchema<Output = unknown> extends StandardSchemaV1<unknown, Output> {
  readonly shape: Readonly<Record<string, StandardSchemaV1>>;
}

/** Schemas by variable name, or one object schema whose refinements are to hold as well. */
export type Schema = VariableSchemas | ObjectSchema;

export interface Declaration {
  /** Those of the schema itself, in its order. */
  readonly variables: ReadonlyMap<string, VariableSpec>;
  /** Their schemas. */
  readonly fields: readonly StandardSchemaV1[];
  /** Those that rules add, by name. */
  readonly added: ReadonlyMap<string, VariableSpec>;
  /** All names, for the sources. */
  readonly names: readonly string[];
  /** Each name with `undefined`. */
  readonly blank: Readonly<Record<string, undefined>>;
  readonly rules: readonly AnyRule[];
  readonly object?: ObjectSchema;
}

/** A rule whose values are known at run time only. */
export type AnyRule = Rule<Readonly<Record<string, unknown>>>;

const known = new WeakMap<Schema, Declaration>();

/**
 * What the schema declares, worked out once for as long as its fields stay the same.
 * @throws ConfigError `SCHEMA_INVALID`
 */
export function declare(schema: Schema, rules: readonly AnyRule[]): Declaration {
  const earlier = known.get(schema);
  if (earlier && isStill(earlier, schema, rules)) return earlier;
  const declaration = declareAnew(schema, rules);
  known.set(schema, declaration);
  return declaration;
}

function isStill(earlier: Declaration, schema: Schema, rules: readonly AnyRule[]): boolean {
  const { variables, names, fields } = earlier;
  if (rules.length !== earlier.rules.length || rules.some((rule, index) => rule !== earlier.rules[index])) return false;
  const now = fieldsOf(schema);
  let at = 0;
  for (const name in now) {
    if (name !== names[at] || now[name] !== fields[at]) return false;
    at++;
  }
  return at === variables.size;
}

function declareAnew(schema: Schema, rules: readonly AnyRule[]): Declaration {
  const object = isObjectSchema(schema) ? schema : undefined;
  const fields = fieldsOf(schema);
  const variables = specsOf(fields);
  const added = new Map<string, VariableSpec>();
  for (const { adds = {} } of rules) {
    for (const [name, spec] of specsOf(adds)) {
      if (variables.has(name) || added.has(name)) throw malformed(`${name} is declared twice`);
      added.set(name, spec);
    }
  }
  for (const rule of rules) {
    const unknown = rule.names.find((name) => !variables.has(name) && !added.has(name));
    if (unknown !== undefined) throw malformed(`a rule is about ${unknown}, which is not declared`);
  }
  const names = [...variables.keys(), ...added.keys()];
  const blank = Object.fromEntries(names.map((name) => [name, undefined]));
  const all = { variables, fields: Object.values(fields), added, names, blank, rules: [...rules] };
  return object ? { ...all, object } : all;
}

function fieldsOf(schema: Schema): VariableSchemas {
  return isObjectSchema(schema) ? schema.shape : (schema as VariableSchemas);
}

function isObjectSchema(schema: Schema): schema is ObjectSchema {
  return "~standard" in schema && typeof schema["shape"] === "object";
}

function specsOf(schemas: VariableSchemas): Map<string, VariableSpec> {
  const specs = new Map<string, VariableSpec>();
  for (const [name, schema] of Object.entries(schemas)) {
    if (!/^[A-Za-z_]\w*$/.test(name) || RESERVED.has(name)) throw malformed(`${name} can't be the name of a variable`);
    if (!schema?.["~standard"]) throw malformed(`${name} has no schema that speaks Standard Schema`);
    specs.set(name, specOf(schema));
  }
  return specs;
}

const RESERVED: ReadonlySet<string> = new Set(["explain", "watch", "__proto__"]);

function malformed(what: string): ConfigError {
  return new ConfigError("SCHEMA_INVALID", `Schema of the configuration: ${what}`);
}
