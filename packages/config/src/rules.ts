// Rules that hold between variables. A rule is run when all variables that it names are valid by themselves.

import type { StandardSchemaV1 } from "@holdfast/core";

/** Schemas by variable name. */
export type VariableSchemas = Readonly<Record<string, StandardSchemaV1>>;

/**
 * Says of `Values`, the valid values, whether they go together; or adds variables under a condition. Made by `requires`,
 * `exactlyOneOf`, `atLeastOneOf`, `when` and `rule`.
 */
export interface Rule<in Values = never, out Added extends VariableSchemas = VariableSchemas> {
  /** What the rule is about; a problem is reported under the first. */
  readonly names: readonly string[];
  /** Declared, and validated where the variable named is on. */
  readonly adds?: Added;
  /** `undefined`, or what is wrong as a clause that follows the first name. */
  readonly check?: (values: Values) => string | undefined;
  /** The message is the user's own and may repeat a value. */
  readonly foreign?: boolean;
}

type NoVariables = Record<never, never>;

/** Where `name` is on, all of `needed` must be. On is: set (or by default so), and not `false`. */
export function requires<const Name extends string>(
  name: Name,
  ...needed: readonly Name[]
): Rule<Readonly<Record<Name, unknown>>, NoVariables> {
  return {
    names: [name, ...needed],
    check: (values) => {
      const off = needed.filter((other) => !isOn(values[other]));
      return isOn(values[name]) && off.length > 0 ? `needs ${off.join(", ")} to be set as well` : undefined;
    },
  };
}

/** One of the variables must be on, and no other. */
export function exactlyOneOf<const Name extends string>(
  ...names: readonly Name[]
): Rule<Readonly<Record<Name, unknown>>, NoVariables> {
  const [, ...others] = names;
  return {
    names,
    check: (values) => {
      const on = names.filter((name) => isOn(values[name]));
      if (on.length === 1) return undefined;
      return on.length === 0
        ? `or ${others.join(" or ")} must be set, and none is`
        : `or ${others.join(" or ")} must be set, but only one of them; ${on.join(", ")} are`;
    },
  };
}

/** One or more of the variables must be on. */
export function atLeastOneOf<const Name extends string>(
  ...names: readonly Name[]
): Rule<Readonly<Record<Name, unknown>>, NoVariables> {
  const [, ...others] = names;
  return {
    names,
    check: (values) =>
      names.some((name) => isOn(values[name])) ? undefined : `or ${others.join(" or ")} must be set, and none is`,
  };
}

/** Where `name` is on, these variables are part of the configuration too; where it is off, they are not looked at. */
export function when<const Name extends string, Added extends VariableSchemas>(
  name: Name,
  schemas: Added,
): Rule<Readonly<Record<Name, unknown>>, Added> {
  return { names: [name], adds: schemas };
}

/** A rule of one's own: `check` gets the values of `names` and returns what is wrong, or `undefined`. */
export function rule<Values extends object, const Name extends keyof Values & string>(
  names: readonly Name[],
  check: (values: Readonly<Pick<Values, Name>>) => string | undefined,
): Rule<Values, NoVariables> {
  return { names, check, foreign: true };
}

export function isOn(value: unknown): boolean {
  return value !== undefined && value !== false;
}
