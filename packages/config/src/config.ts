// The types of what loadConfig takes and gives.

import type { Clock, Logger, OutputOf } from "@holdfast/core";
import type { ObjectSchema, Schema } from "./declaration.ts";
import type { Explanation } from "./explain.ts";
import type { Rule, VariableSchemas } from "./rules.ts";
import type { Source, SourceFunction } from "./source.ts";
import type { Watch, WatchOptions } from "./watch.ts";

export interface ConfigOptions<S extends Schema, R extends readonly Rule<Values<S>>[]> {
  /** The first that has a variable wins. Default `[processEnv()]`. */
  readonly sources?: readonly (Source | SourceFunction)[];
  /** What must hold between variables, and variables that are needed under a condition. */
  readonly rules?: R;
  /**
   * Whether weak keys are refused and development defaults left out. Default: true unless `NODE_ENV` is `development`,
   * `test` or not set, so that a misspelt or unusual stage is on the safe side.
   */
  readonly production?: boolean;
  /** Gets start-up warnings, all in one line. Default: none. */
  readonly logger?: Logger;
  /** Default: the machine's own. */
  readonly clock?: Clock;
  /** Ends the load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The values of a schema by name. */
export type Values<S extends Schema> =
  S extends ObjectSchema<infer Output>
    ? Readonly<Output>
    : S extends VariableSchemas
      ? { readonly [Name in keyof S]: OutputOf<S[Name]> }
      : never;

/** Those that rules add: there where their condition holds. */
export type AddedValues<R extends readonly Rule[]> = {
  readonly [Name in keyof Added<R>]?: Added<R>[Name] extends Schemas ? OutputOf<Added<R>[Name]> | undefined : never;
};

type Schemas = VariableSchemas[string];

type Added<R extends readonly unknown[]> = R extends readonly [infer First, ...infer Rest]
  ? (First extends Rule<never, infer Schemas> ? Schemas : unknown) & Added<Rest>
  : unknown;

/** Frozen: plain data all the way down. Printing it prints no `Secret`. */
export type Config<S extends Schema, R extends readonly Rule[] = readonly []> = Values<S> &
  AddedValues<R> &
  ConfigMethods<Values<S> & AddedValues<R>>;

/** Not enumerable, so that a configuration prints and spreads as its values alone. */
export interface ConfigMethods<V> {
  /** Where each value came from, without secrets. */
  explain(): Explanation;
  /** Reads the sources again and again, and hands over each new valid configuration. */
  watch(options: WatchOptions<V & ConfigMethods<V>>): Watch<V & ConfigMethods<V>>;
}
