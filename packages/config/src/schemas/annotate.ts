// Says about any Standard Schema what our own helpers say by modifiers.

import type { OutputOf, Secret, StandardSchemaV1 } from "@holdfast/core";
import { createVariable, type Default, specOf, type Variable } from "../variable.ts";

/** What `variable()` adds. The names are those of the modifiers of our own schemas. */
export interface VariableOptions<Value, Hidden extends boolean> {
  /** Wraps the value in a `Secret`. Default false. */
  readonly secret?: Hidden;
  /** Nothing set is a start-up warning with this reason; the schema decides what the value is. */
  readonly recommended?: string;
  /** The value outside production where nothing is set; in production the schema decides. */
  readonly devDefault?: Default<Value>;
  readonly description?: string;
  readonly example?: string;
}

type Wrapped<Value, Hidden extends boolean> = Hidden extends true
  ? Exclude<Value, undefined> extends Secret<unknown>
    ? Value
    : Secret<Exclude<Value, undefined>> | Extract<Value, undefined>
  : Value;

/** A schema of any library, or one of ours, with what people should know about it: `variable(z.url(), { secret: true })`. */
export function variable<Schema extends StandardSchemaV1, Hidden extends boolean = false>(
  schema: Schema,
  options: VariableOptions<Exclude<OutputOf<Schema>, undefined>, Hidden> = {},
): Variable<Wrapped<OutputOf<Schema>, Hidden>, "required"> {
  const base = specOf(schema);
  return createVariable({
    ...base,
    secret: options.secret || base.secret,
    devDefault: options.devDefault ?? base.devDefault,
    recommended: options.recommended ?? base.recommended,
    description: options.description ?? base.description,
    example: options.example ?? base.example,
  });
}
